import { setTimeout as sleep } from 'node:timers/promises';
import type { PlanEvent } from '#domain';
import { observe, type Logger } from '#telemetry';
import type { PlanAlert } from './making/making-alerts.ts';
import { PAGED_TYPES } from './making/making-pages.ts';
import type { Rendering } from './message.ts';
import type { Outbox, SinkState } from './outbox.ts';
import { deliver, type Delivery } from './sending/deliver.ts';
import { PAGING_LIMITS, SinkLane, type PagingLimits } from './sink-lane.ts';
import { makeSink } from './sinks/make-sink.ts';
import type { Sink, SinkSettings, SinkType } from './sinks/sink.ts';
import { testMessages } from './test-message.ts';

export interface PagerOptions {
  sinks: readonly SinkSettings[];
  outbox: Outbox;
  rendering: Rendering;
  log: Logger;
  /** Whether this replica decides, and is sure of it: only that one pages. */
  active: () => boolean;
  /** Of one request. */
  timeoutMs: number;
  /** Default: PAGING_LIMITS. */
  limits?: Partial<PagingLimits>;
  /** Default: the system's. */
  now?: () => number;
  random?: () => number;
}

/** A sink, for people. No address, no secret. */
export interface SinkStatus extends Omit<SinkState, 'name'> {
  name: string;
  type: SinkType;
  /** Scheme and host. */
  place: string;
  on: string[];
}

/** What became of a test page. */
export interface TestOutcome {
  delivered: boolean;
  /** Of the HTTP answer; null: there was none. */
  status: number | null;
  error: string | null;
  durationMs: number;
}

/** Without a hint, the tail is looked at this often. */
const LOOK_MS = 5_000;
/** After one: what was committed shows in the tail only when every older transaction has ended. */
const SOON_MS = 250;
const SOON_FOR_MS = 10_000;
/** While pages wait, whether one is due. */
const DUE_MS = 500;
/** A standby asks itself whether it decides. */
const STANDBY_MS = 500;
/** Least pause between two rounds that a commit asked for. */
const PAUSE_MS = 25;
/** A request that is under way when the replica stops may end. */
const GRACE_MS = 2_000;
/** More alerts than that are not looked at. */
const ALERTS_MAX = 10_000;

/**
 * Pages people. It follows from the ledger's tail, in a lane of its own for each sink, beside the decider: nothing waits
 * for it, and a sink that hangs keeps nobody back but itself.
 */
export class Pager {
  private readonly lanes: SinkLane[];
  private readonly wakes = new Set<() => void>();
  /** Told something since their last round began. */
  private readonly told = new Set<SinkLane>();
  private hintedAt = -Infinity;
  private readonly testing = new Set<string>();
  private alerts: readonly PlanAlert[] | null = null;
  private running: Promise<unknown> | null = null;
  private offs: (() => void)[] = [];
  private readonly stopping = new AbortController();
  private readonly cutOff = new AbortController();

  constructor(private readonly o: PagerOptions) {
    const { outbox, rendering, timeoutMs, log } = o;
    const limits = { ...PAGING_LIMITS, ...o.limits };
    const now = o.now ?? Date.now;
    const random = o.random ?? Math.random;
    this.lanes = o.sinks.map(
      (settings) =>
        new SinkLane({ sink: makeSink(settings), outbox, rendering, timeoutMs, log, limits, now, random }),
    );
  }

  /** Of the sinks, in the order of the settings. */
  get names(): string[] {
    return this.lanes.map(({ sink }) => sink.name);
  }

  start(): void {
    if (this.running) return;
    this.offs = [this.observeWaiting(), this.observeFailing()];
    this.running = Promise.all(this.lanes.map((lane) => this.run(lane)));
  }

  /** Requests that are under way may end, for a bounded time; what is not acknowledged then, the next decider sends. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const off of this.offs) off();
    const cutOff = setTimeout(() => this.cutOff.abort(), GRACE_MS);
    await this.running;
    clearTimeout(cutOff);
  }

  /** Synchronous and cheap: it runs between a commit and its answers. */
  follow(committed: readonly { events: readonly PlanEvent[] }[]): void {
    if (this.lanes.length === 0) return;
    if (committed.some(({ events }) => events.some(({ type }) => PAGED.has(type)))) this.hint();
  }

  /** All that is wrong with plans now and is no event; null: nobody knows yet. Costs nothing while it stays the same. */
  tellAlerts(alerts: readonly PlanAlert[] | null): void {
    const next = alerts?.slice(0, ALERTS_MAX) ?? null;
    if (JSON.stringify(next) === JSON.stringify(this.alerts)) return;
    this.alerts = next;
    this.hint();
  }

  /** Every sink that is set, in the order of the settings. Throws while the ledger is away. */
  async statuses(): Promise<SinkStatus[]> {
    if (this.lanes.length === 0) return [];
    const states = await this.o.outbox.states(this.names);
    const stateOf = new Map(states.map((state) => [state.name, state]));
    return this.lanes.map(({ sink: { name, type, place, on } }) => ({
      ...(stateOf.get(name) ?? unseen(name)),
      name,
      type,
      place,
      on: [...on],
    }));
  }

  /**
   * Sends a test page now, from this replica, whoever decides. Its success lets a sink that was failing be tried at once.
   * null: there is no such sink; `busy`: it is being tested.
   */
  async test(name: string): Promise<TestOutcome | 'busy' | null> {
    const sink = this.lanes.find((lane) => lane.sink.name === name)?.sink;
    if (!sink) return null;
    if (this.testing.has(name)) return 'busy';
    this.testing.add(name);
    try {
      return await this.sendTest(sink);
    } finally {
      this.testing.delete(name);
    }
  }

  private async sendTest(sink: Sink): Promise<TestOutcome> {
    const startedAt = performance.now();
    const delivery = await this.deliverTest(sink);
    const durationMs = Math.round(performance.now() - startedAt);
    const { ok, status } = delivery;
    if (!ok) return { delivered: false, status, error: delivery.error, durationMs };
    await this.o.outbox.resume(sink.name, this.now()).catch((error: unknown) => {
      this.o.log.warn({ err: error, sink: sink.name }, 'A sink takes pages again, which could not be kept');
    });
    this.hint();
    return { delivered: true, status, error: null, durationMs };
  }

  private async deliverTest(sink: Sink): Promise<Delivery> {
    const { timeoutMs, rendering } = this.o;
    const { signal } = this.cutOff;
    const [first, ...others] = testMessages(sink.type, rendering.fleet, this.now());
    let delivery = await deliver(sink, first, { nowMs: this.now(), timeoutMs, signal });
    for (const message of others) {
      if (!delivery.ok) break;
      delivery = await deliver(sink, message, { nowMs: this.now(), timeoutMs, signal });
    }
    return delivery;
  }

  private now(): number {
    return (this.o.now ?? Date.now)();
  }

  private async run(lane: SinkLane): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.told.delete(lane);
      const pauseMs = await this.step(lane);
      if (pauseMs > 0) await this.sleep(lane, pauseMs);
    }
  }

  private async step(lane: SinkLane): Promise<number> {
    if (!this.o.active()) {
      lane.rest();
      return STANDBY_MS;
    }
    try {
      const { waiting, more } = await lane.round(this.alerts, this.cutOff.signal);
      if (more) return 0;
      const lookMs = performance.now() - this.hintedAt < SOON_FOR_MS ? SOON_MS : LOOK_MS;
      return waiting > 0 ? Math.min(DUE_MS, lookMs) : lookMs;
    } catch (error) {
      if (!this.stopping.signal.aborted) {
        const { name } = lane.sink;
        this.o.log.warn({ err: error, sink: name }, whyNoPages(error));
      }
      return LOOK_MS;
    }
  }

  /** A hint ends a sleep, but never the least pause: a busy decider commits many times a second. */
  private async sleep(lane: SinkLane, ms: number): Promise<void> {
    const hinted = new AbortController();
    const wake = () => hinted.abort();
    this.wakes.add(wake);
    if (this.told.has(lane)) wake();
    await this.rest(ms, AbortSignal.any([hinted.signal, this.stopping.signal]));
    this.wakes.delete(wake);
    if (hinted.signal.aborted) await this.rest(PAUSE_MS, this.stopping.signal);
  }

  private async rest(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }

  private hint(): void {
    this.hintedAt = performance.now();
    for (const lane of this.lanes) this.told.add(lane);
    for (const wake of this.wakes) wake();
  }

  private observeWaiting(): () => void {
    return observe('pagesWaiting', (tell) => {
      for (const { standing, sink } of this.lanes) if (standing) tell(standing.waiting, { sink: sink.name });
    });
  }

  private observeFailing(): () => void {
    return observe('sinkFailing', (tell) => {
      for (const { standing, sink } of this.lanes) {
        if (!standing) continue;
        const since = standing.failingSinceMs;
        tell(since === null ? 0 : Math.max(0, this.now() - since) / 1_000, { sink: sink.name });
      }
    });
  }
}

const PAGED: ReadonlySet<string> = new Set(PAGED_TYPES);

/** As the outbox says that a newer version of the program writes events. */
const TOO_OLD: readonly unknown[] = ['EVENT_TOO_NEW', 'DECIDER_TOO_OLD'];

function whyNoPages(error: unknown): string {
  const isTooOld = error instanceof Error && 'code' in error && TOO_OLD.includes(error.code);
  return isTooOld
    ? 'A newer coordinator writes events: its pages are left to it'
    : 'Pages cannot be made or settled yet; trying again';
}

function unseen(name: string): SinkState {
  return {
    name,
    waiting: 0,
    failures: 0,
    failingSince: null,
    lastSuccessAt: null,
    lastErrorAt: null,
    lastError: null,
    givenUp: 0,
  };
}
