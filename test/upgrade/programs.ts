import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '#testing';

const run = promisify(execFile);
const PACKAGE = join(import.meta.dirname, '..', '..');

/** A folder with built programs: of another version, or of this one. */
export class Programs {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** What `npm run build` made of the tree as it is. */
  static ofToday(): Programs {
    return new Programs(PACKAGE);
  }

  /** Of a landed version, with today's libraries: what a lock file of then had may be gone. */
  static async unpack(archive: string, folder: string): Promise<Programs> {
    await mkdir(folder, { recursive: true });
    await run('tar', ['-xzf', archive, '-C', folder]);
    await symlink(join(PACKAGE, 'node_modules'), join(folder, 'node_modules'));
    return new Programs(folder);
  }

  coordinator(env: Record<string, string>): Promise<Program> {
    return Program.start(join(this.folder, 'dist/apps/coordinator/src/main.js'), env, '"Listening"');
  }

  worker(env: Record<string, string>): Promise<Program> {
    return Program.start(join(this.folder, 'dist/apps/worker/src/main.js'), env, '"taking jobs"');
  }

  /** Makes the schema as that version does, and no newer. */
  async migrate(adminUrl: string): Promise<void> {
    const ledger = join(this.folder, 'dist/libs/ledger/src/index.js');
    const script = `
      const { migrate } = await import(${JSON.stringify(ledger)});
      const log = { info() {}, warn() {}, error() {}, debug() {} };
      await migrate({ adminUrl: process.argv[1], log });
    `;
    await run(process.execPath, ['--input-type=module', '-e', script, adminUrl], { cwd: this.folder });
  }
}

/** One running program; what it logged is kept (a test's worth of it). */
export class Program {
  log = '';
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stderr!.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  static async start(main: string, env: Record<string, string>, sign: string): Promise<Program> {
    const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
    const child = spawn(process.execPath, [main], {
      env: { PATH: path, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const program = new Program(child);
    await eventually(() => !program.runs || program.log.includes(sign), {
      timeoutMs: 60_000,
      what: `${main} to say ${sign}`,
    });
    if (!program.runs) throw new Error(`${main} ended:\n${program.log}`);
    return program;
  }

  get runs(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Of a coordinator. */
  get url(): string {
    const url = /"url":"(http:[^"]+)"/.exec(this.log)?.[1];
    if (url === undefined) throw new Error(`no address in the log:\n${this.log}`);
    return url;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves with its exit code when it has ended; after SIGKILL null. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.runs) {
      const exited = once(this.child, 'exit');
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }

  /** However it was left: continued, asked to end, and killed when it does not. */
  async stop(): Promise<void> {
    if (!this.runs) return;
    this.child.kill('SIGCONT');
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
    await this.end('SIGTERM');
    clearTimeout(deadline);
  }
}
