import type { Chance } from './chance.ts';
import type { Happening, World } from './world.ts';

/** How a process sees time. */
export interface Drift {
  /** Its seconds in a true second. */
  rate: number;
  /** How far its wall clock is off (ms). */
  offsetMs: number;
}

type Cause = 'timer' | 'message';

/** The wall clock's reading at the beginning of every run. */
export const EPOCH_MS = 1_800_000_000_000;

/**
 * One process of the fleet: its clocks, its timers, and its deaths. What it is given to do while it is stopped waits
 * until it goes on; what was given to a dead one never happens.
 */
export class Process {
  private alive = true;
  private stopped = false;
  private readonly held: { cause: Cause; task: () => void }[] = [];
  readonly startedMs: number;

  constructor(
    readonly world: World,
    readonly name: string,
    private readonly drift: Drift,
    private readonly chance: Chance,
  ) {
    this.startedMs = world.nowMs;
  }

  get isAlive(): boolean {
    return this.alive;
  }

  get isStopped(): boolean {
    return this.stopped;
  }

  readonly random = (): number => this.chance.next();

  /** For libs/bus and for the coordinator, who name the same clocks differently. */
  readonly clock = {
    nowMs: (): number => this.monotonicMs(),
    monotonic: (): number => this.monotonicMs(),
    dateMs: (): number => this.wallMs(),
    now: (): number => this.wallMs(),
    schedule: (delayMs: number, task: () => void): (() => void) => this.schedule(delayMs, task),
  };

  /** An outside event for this process, `delayMs` of true time from now. */
  after(delayMs: number, task: () => void): Happening {
    return this.world.after(delayMs, () => this.do('message', task));
  }

  at(atMs: number, task: () => void): Happening {
    return this.world.at(atMs, () => this.do('message', task));
  }

  /** SIGSTOP. */
  stop(): void {
    this.stopped = true;
  }

  /**
   * SIGCONT: what fell due meanwhile happens now, each kind in the order in which it fell due. Whether timers or
   * sockets come first depends on where the loop of the process stood.
   */
  goOn(): void {
    if (!this.alive || !this.stopped) return;
    this.stopped = false;
    const first: Cause = this.chance.bool(0.5) ? 'timer' : 'message';
    const held = this.held.splice(0);
    const sorted = [
      ...held.filter(({ cause }) => cause === first),
      ...held.filter(({ cause }) => cause !== first),
    ];
    for (const { cause, task } of sorted) this.world.after(0, () => this.do(cause, task));
  }

  /** SIGKILL. */
  kill(): void {
    this.alive = false;
    this.held.length = 0;
  }

  /** NTP, or an administrator: the wall clock jumps, the monotonic one does not. */
  jump(byMs: number): void {
    this.drift.offsetMs += byMs;
  }

  private do(cause: Cause, task: () => void): void {
    if (!this.alive) return;
    if (this.stopped) this.held.push({ cause, task });
    else task();
  }

  private schedule(delayMs: number, task: () => void): () => void {
    let live = true;
    // As Node's timers: whole milliseconds, and at least one.
    const happening = this.world.after(Math.max(1, Math.trunc(delayMs)) / this.drift.rate, () =>
      this.do('timer', () => {
        if (live) task();
      }),
    );
    return () => {
      live = false;
      happening.task = null;
    };
  }

  private monotonicMs(): number {
    return 1_000 + (this.world.nowMs - this.startedMs) * this.drift.rate;
  }

  private wallMs(): number {
    return EPOCH_MS + this.drift.offsetMs + Math.round(this.world.nowMs * this.drift.rate);
  }
}
