import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Ends a run when the worker is killed: a shell that waits for the end of its input, which only the worker holds.
 * For the kinds that have no --die-with-parent of their own.
 */
export class Lifeline {
  private constructor(private readonly shell: ChildProcessByStdio<Writable, null, null>) {}

  /**
   * To be tied before the program starts: the worker may be killed in between. `marker` is the `NAME=value` that the
   * program carries from its first moment.
   */
  static tie(marker: string): Lifeline {
    const shell = spawn('/bin/sh', ['-c', WATCH, 'skein-lifeline', marker], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { PATH: '/usr/bin:/bin' },
    });
    // It has nothing to say, and its failing to start leaves the run without a net, not without a result.
    shell.on('error', () => undefined);
    shell.stdin.on('error', () => undefined);
    shell.unref();
    return new Lifeline(shell);
  }

  /** Where processes cannot be asked for their marker (macOS) the program's group is all there is. */
  follow(group: number): void {
    this.shell.stdin.write(`${group}\n`);
  }

  /** The run is over: whatever has the group's number from now on is none of ours. */
  async cut(): Promise<void> {
    if (this.shell.pid === undefined || this.shell.exitCode !== null || this.shell.signalCode !== null)
      return;
    const ended = new Promise<void>((resolve) => this.shell.once('exit', () => resolve()));
    this.shell.ref();
    this.shell.kill('SIGKILL');
    await ended;
    this.shell.stdin.destroy();
  }
}

// The marker is looked for until it was nowhere three times in a row: the program may just be starting.
const WATCH = `
read -r group && read -r _
clear=0
while [ $clear -lt 3 ]; do
  [ -z "$group" ] || kill -KILL -- "-$group" 2>/dev/null
  clear=$((clear + 1))
  for file in /proc/[0-9]*/environ; do
    if grep -qsF -- "$1" "$file"; then
      pid=\${file#/proc/}
      kill -KILL "\${pid%/environ}" 2>/dev/null && clear=0
    fi
  done
  [ $clear = 0 ] || sleep 0.1
  group=
done
`;
