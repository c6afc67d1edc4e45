import { spawn, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { mkdir, readFile, readdir, readlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { findNatsServer } from '#servers';
import { silentLogger } from '#telemetry';
import { eventually, tempDir } from '#testing';

export const PACKAGE = join(import.meta.dirname, '..', '..');

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
}

/**
 * A machine of its own, as far as a program can see: an empty HOME and a temporary folder, both 0700. Whatever is left
 * behind on it can be told from what else runs here.
 */
export class OwnMachine {
  private constructor(
    readonly root: string,
    private readonly path: string,
  ) {}

  readonly home = (): string => join(this.root, 'home');
  readonly temp = (): string => join(this.root, 'tmp');

  static async make(): Promise<OwnMachine> {
    const root = await tempDir('machine');
    // Found (or built) once, outside: an empty HOME has no cached build.
    const nats = await findNatsServer({ log: silentLogger });
    const folders = [dirname(process.execPath), ...(nats.kind === 'binary' ? [dirname(nats.path)] : [])];
    const machine = new OwnMachine(root, [...folders, process.env['PATH']].join(delimiter));
    for (const folder of [machine.home(), machine.temp()]) await mkdir(folder, { mode: 0o700 });
    return machine;
  }

  start(command: string, args: string[], o: { cwd?: string; env?: Record<string, string> } = {}): Started {
    const env = { PATH: this.path, HOME: this.home(), TMPDIR: this.temp(), LANG: 'C.UTF-8', ...o.env };
    return new Started(spawn(command, args, { env, cwd: o.cwd ?? PACKAGE, stdio: ['pipe', 'pipe', 'pipe'] }));
  }

  /** Processes that were started here: told by what they were given or where they are. */
  async processes(): Promise<string[]> {
    const found: string[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
      const [command, environ, stat] = await Promise.all(
        ['cmdline', 'environ', 'stat'].map((file) =>
          readFile(`/proc/${name}/${file}`, 'utf8').catch(() => ''),
        ),
      );
      const cwd = await readlink(`/proc/${name}/cwd`).catch(() => '');
      if (/^\d+ \(.*\) [ZX]/s.test(stat ?? '')) continue;
      if ([command, environ, cwd].some((text) => text?.includes(this.root))) {
        found.push(`${name} ${command?.replaceAll('\0', ' ') ?? ''}`);
      }
    }
    return found;
  }

  /** Fails when a process, a temporary folder or a run's record is left. The caches in HOME may stay. */
  async expectNothingLeft(): Promise<void> {
    await eventually(async () => expect(await this.processes()).toEqual([]), {
      timeoutMs: 20_000,
      what: 'no process is left',
    });
    // npm keeps its own programs compiled there; `npm ci` alone leaves that.
    const left = (await readdir(this.temp())).filter((name) => name !== 'node-compile-cache');
    expect(left).toEqual([]);
    const records = await readdir(join(this.home(), '.cache/skein/runs')).catch(() => []);
    expect(records.filter((name) => name.endsWith('.json'))).toEqual([]);
  }
}

export class Started {
  output = '';
  readonly ended: Promise<Ended>;

  constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal, output: this.output }));
    });
  }

  /** Waits until it has printed this. */
  async prints(pattern: RegExp, timeoutMs = 120_000): Promise<RegExpExecArray> {
    return eventually(
      () => {
        const found = pattern.exec(this.output);
        if (!found && this.child.exitCode !== null)
          throw new Error(`it ended with ${this.child.exitCode}:\n${this.output}`);
        return found;
      },
      { timeoutMs, what: `${pattern} in:\n${this.output}` },
    );
  }
}

/** Whether somebody listens there. */
export async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
