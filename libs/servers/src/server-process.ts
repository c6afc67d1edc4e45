import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { identify, stopProcess, type ProcessIdentity, type StopStage } from './processes.ts';

export interface ServerCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
  /** What it prints goes here; emptied at each start. A pipe would break when the launcher dies before its server. */
  logFile: string;
  user?: { uid: number; gid: number };
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * A server in a session of its own: Ctrl-C in the launcher's terminal does not reach it,
 * so that the launcher can drain before its database goes.
 */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly identity: ProcessIdentity,
    readonly exited: Promise<Exit>,
    private readonly logFile: string,
  ) {}

  static async start(command: ServerCommand): Promise<ServerProcess> {
    const log = await open(command.logFile, 'w', 0o600);
    try {
      const child = spawn(command.command, command.args, {
        cwd: command.cwd,
        env: command.env,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        ...command.user,
      });
      const exited = new Promise<Exit>((resolve) => {
        child.once('exit', (code, signal) => resolve({ code, signal }));
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      // The launcher lives for reasons of its own; a forgotten server must not keep it from ending.
      child.unref();
      const pid = child.pid!;
      // Gone already: the pid is still ours (Node has not reaped it, or tells so by 'exit'), its start time is not needed.
      const identity = (await identify(pid)) ?? { pid, startTime: 'gone' };
      return new ServerProcess(child, identity, exited, command.logFile);
    } finally {
      await log.close();
    }
  }

  get pid(): number {
    return this.identity.pid;
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Bounded by the sum of the stages. False: the kernel could not end it either. */
  async stop(stages: StopStage[]): Promise<boolean> {
    if (this.hasExited) return true;
    this.child.ref();
    if (!(await stopProcess(this.identity, stages))) return false;
    await this.exited;
    return true;
  }

  /** The last lines it printed: why it did not start. */
  async logTail(): Promise<string> {
    return this.tailOf(this.logFile);
  }

  async tailOf(file: string, lines = 12): Promise<string> {
    const text = await readFile(file, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-lines).join('\n');
  }
}

export class ServerWontStopError extends Error {
  readonly code = 'server-wont-stop';
  readonly retry = 'never';

  constructor(
    readonly server: string,
    readonly pid: number,
  ) {
    super(`${server} (process ${pid}) does not end, not even when it is killed.`);
    this.name = 'ServerWontStopError';
  }
}
