import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Ends a run when the worker is killed: a shell that waits for the end of its input, which only the worker holds.
 * For the kinds that have no --die-with-parent of their own.
 */
export class Lifeline {
  private constructor(private readonly shell: ChildProcess) {}

  /** `group`: of the program or its launcher; `marker`: `NAME=value` that its descendants carry. */
  static tie(group: number, marker: string): Lifeline {
    const shell = spawn('/bin/sh', ['-c', WATCH, 'skein-lifeline', String(group), marker], {
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

  /** The run is over: whatever has the group's number from now on is none of ours. */
  async cut(): Promise<void> {
    if (this.shell.pid === undefined || this.shell.exitCode !== null || this.shell.signalCode !== null)
      return;
    const ended = new Promise<void>((resolve) => this.shell.once('exit', () => resolve()));
    this.shell.ref();
    this.shell.kill('SIGKILL');
    await ended;
    this.shell.stdin?.destroy();
  }
}

const WATCH = `
read -r _
kill -KILL -- "-$1" 2>/dev/null
found=yes
while [ -n "$found" ]; do
  found=
  for file in /proc/[0-9]*/environ; do
    if grep -qsF -- "$2" "$file"; then
      pid=\${file#/proc/}
      kill -KILL "\${pid%/environ}" 2>/dev/null && found=yes
    fi
  done
done
`;
