import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Run } from '#servers';

const LOG_BYTES_MAX = 16 * 1024 * 1024;
const RESTART_MS = 400;

export interface ProgramOptions {
  name: string;
  /** Of the build that is run. */
  dist: string;
  app: 'coordinator' | 'worker';
  /** Asked at each start; `life` counts the starts, from 1. */
  environment: (life: number) => Record<string, string>;
  logDir: string;
  run: Run;
  /** Put before the program's own command. It must end by executing what follows it. */
  wrapper?: string[];
}

/** A built program as a process of its own. It is started again whenever it ends, as an orchestrator would. */
export class Program {
  /** How often it was started. */
  life = 0;
  /** Ends that nobody had asked for. */
  readonly ownEnds: string[] = [];
  private child: ChildProcess | null = null;
  private ended: Promise<void> = Promise.resolve();
  private expected = false;
  private stopping = false;
  private restart: NodeJS.Timeout | null = null;
  private readonly logFd: number;
  private readonly logPath: string;
  private readonly o: ProgramOptions;

  constructor(o: ProgramOptions) {
    this.o = o;
    this.logPath = join(o.logDir, `${o.name}.log`);
    this.logFd = openSync(this.logPath, 'a+', 0o600);
  }

  get name(): string {
    return this.o.name;
  }

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  start(): void {
    this.life += 1;
    this.expected = false;
    this.boundLog();
    const { app, dist } = this.o;
    const entry = join(dist, 'apps', app, 'src', 'main.js');
    // It ends when chaos does, however it does; so do the children of `skein up`.
    const tether = pathToFileURL(join(dist, 'apps', 'cli', 'src', 'up', 'tether.js')).href;
    const [command, ...args] = [...(this.o.wrapper ?? []), process.execPath, '--import', tether, entry];
    const child = spawn(command, args, {
      env: this.o.environment(this.life),
      detached: true,
      stdio: ['ignore', this.logFd, this.logFd, 'ipc'],
    });
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', (code, signal) => {
        this.onExit(child, signal ?? `code ${code}`);
        resolve();
      });
    });
    if (child.pid !== undefined) void this.o.run.addProgram(child.pid).catch(() => undefined);
  }

  /** kill -9. It comes again by itself. */
  kill(): void {
    this.expected = true;
    this.child?.kill('SIGKILL');
  }

  /** Returns what lets exactly this process go on; a later life is not touched. */
  freeze(): () => void {
    const child = this.child;
    child?.kill('SIGSTOP');
    return () => void child?.kill('SIGCONT');
  }

  /** SIGTERM, and for good. False: it did not end in time and was killed. */
  async stop(graceMs: number): Promise<boolean> {
    this.stopping = true;
    if (this.restart) clearTimeout(this.restart);
    let inTime = true;
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      const timer = setTimeout(() => {
        inTime = false;
        this.child?.kill('SIGKILL');
      }, graceMs);
      await this.ended;
      clearTimeout(timer);
    }
    closeSync(this.logFd);
    return inTime;
  }

  private onExit(child: ChildProcess, how: string): void {
    if (child.pid !== undefined) void this.o.run.removeProgram(child.pid).catch(() => undefined);
    if (this.stopping) return;
    if (!this.expected && this.ownEnds.length < 1_000) this.ownEnds.push(how);
    this.restart = setTimeout(() => this.start(), RESTART_MS);
  }

  private boundLog(): void {
    if (fstatSync(this.logFd).size <= LOG_BYTES_MAX) return;
    copyFileSync(this.logPath, `${this.logPath}.1`);
    ftruncateSync(this.logFd, 0);
  }
}
