import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtProgram } from '../package-root.ts';
import { ChildLog } from './child-log.ts';

export interface ChildOptions {
  /** `coordinator`, `worker-1`: for people and for the log file. */
  name: string;
  /** The built program. */
  program: string;
  /** Asked at every start: ports may have changed. Everything the child gets; secrets are here, never in argv. */
  environment(): Record<string, string>;
  cwd: string;
  logDir: string;
  /** Something that a person should know, in one line. */
  say(line: string): void;
  /** Told with each process, so that a later launcher can end it should this one be killed. */
  onSpawn?(pid: number): void;
  onEnd?(pid: number): void;
  backoff?: { firstMs: number; maxMs: number; crashesMax: number; windowMs: number };
}

const BACKOFF = { firstMs: 500, maxMs: 10_000, crashesMax: 5, windowMs: 120_000 };
const ROTATE_EVERY_MS = 5_000;

/** One child of the stack. It is started again when it crashes, until it crashed too often. */
export class ChildProgram {
  /** Rejects with ChildCrashesError when the child was given up. Never resolves. */
  readonly givenUp: Promise<never>;
  private giveUp: (error: ChildCrashesError) => void = () => undefined;
  private child: ChildProcess | null = null;
  private ended: Promise<void> = Promise.resolve();
  private stopping = false;
  private readonly crashesMs: number[] = [];
  private restartTimer: NodeJS.Timeout | null = null;
  private readonly log: ChildLog;
  private readonly rotation: NodeJS.Timeout;
  private readonly backoff: typeof BACKOFF;

  constructor(private readonly o: ChildOptions) {
    this.backoff = o.backoff ?? BACKOFF;
    this.log = new ChildLog(join(o.logDir, `${o.name}.log`));
    this.rotation = setInterval(() => this.log.rotateIfLarge(), ROTATE_EVERY_MS).unref();
    this.givenUp = new Promise<never>((_, reject) => {
      this.giveUp = reject;
    });
    // It is raced by the stack; until then nobody may be listening.
    this.givenUp.catch(() => undefined);
  }

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  get logPath(): string {
    return this.log.path;
  }

  logTail(): string[] {
    return this.log.tail();
  }

  start(): void {
    const child = spawn(
      process.execPath,
      ['--import', pathToFileURL(builtProgram('cli', 'up/tether')).href, this.o.program],
      {
        cwd: this.o.cwd,
        env: this.o.environment(),
        // A group of its own: Ctrl-C in the terminal reaches the launcher alone, which then drains in order.
        detached: true,
        stdio: ['ignore', this.log.fd, this.log.fd, 'ipc'],
      },
    );
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        resolve();
        this.onEnd(`did not start: ${error.message}`);
      });
      child.once('exit', (code, signal) => {
        resolve();
        if (child.pid !== undefined) this.o.onEnd?.(child.pid);
        this.onEnd(signal ? `was ended by ${signal}` : `ended with code ${code}`);
      });
    });
    if (child.pid !== undefined) this.o.onSpawn?.(child.pid);
  }

  /** SIGTERM, then SIGKILL when the grace period is over or somebody is in a hurry. Returns when it is gone. */
  async stop(graceMs: number, hurry: AbortSignal): Promise<void> {
    this.stopping = true;
    clearInterval(this.rotation);
    if (this.restartTimer) clearTimeout(this.restartTimer);
    if (this.isRunning()) {
      this.child?.kill('SIGTERM');
      const kill = () => void this.child?.kill('SIGKILL');
      const timer = setTimeout(() => {
        this.o.say(`${this.o.name} did not end within ${Math.round(graceMs / 1000)} s and is killed`);
        kill();
      }, graceMs);
      if (hurry.aborted) kill();
      hurry.addEventListener('abort', kill, { once: true });
      await this.ended;
      clearTimeout(timer);
      hurry.removeEventListener('abort', kill);
    }
    this.log.close();
  }

  /** Ends the process; it is started again with a new environment. */
  restart(): void {
    this.child?.kill('SIGTERM');
  }

  private isRunning(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  private onEnd(how: string): void {
    if (this.stopping) return;
    const now = performance.now();
    while (this.crashesMs.length > 0 && now - (this.crashesMs[0] ?? 0) > this.backoff.windowMs)
      this.crashesMs.shift();
    this.crashesMs.push(now);
    if (this.crashesMs.length > this.backoff.crashesMax) {
      this.giveUp(new ChildCrashesError(this.o.name, how, this.log.path, this.log.tail()));
      return;
    }
    const delayMs = Math.min(this.backoff.maxMs, this.backoff.firstMs * 2 ** (this.crashesMs.length - 1));
    this.o.say(
      `${this.o.name} ${how}; starting it again in ${(delayMs / 1000).toFixed(1)} s (see ${this.log.path})`,
    );
    this.restartTimer = setTimeout(() => this.start(), delayMs);
  }
}

/** A child ended so often that starting it again is no help. */
export class ChildCrashesError extends Error {
  readonly code = 'child-crashes';
  readonly retry = 'never';
  constructor(
    readonly child: string,
    readonly how: string,
    readonly logFile: string,
    readonly lastLines: string[],
  ) {
    super(
      `${child} ${how}, again and again. Its log is ${logFile}; the last lines:\n${lastLines.join('\n')}`,
    );
  }
}
