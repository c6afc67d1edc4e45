import { setTimeout as delay } from 'node:timers/promises';
import type { EventPages, StoredEvent, TailCursor } from '#ledger';
import type { Logger } from '#telemetry';
import { EventWindow, type WindowBounds } from './event-window.ts';
import { Permits } from './permits.ts';
import { ToldEvent } from './told-event.ts';

export interface EventFeedOptions {
  pages: Pick<EventPages, 'ofAll' | 'ofPlan' | 'end'>;
  log: Logger;
  /** Without a nudge the tail is looked at this often: commits of other replicas. */
  pollMs?: number;
  /** Least pause between two looks, so that a busy decider's nudges are answered in batches. */
  pauseMs?: number;
  window?: WindowBounds;
}

/** What one page of an old stretch may hold; each stream holds at most one. */
const PAGE = { events: 500, bytes: 256 * 1_024 };
const TAIL_PAGE = { events: 1_000, bytes: 4 * 1_024 ** 2 };
const WINDOW = { events: 5_000, bytes: 16 * 1_024 ** 2 };
/** Of the pool's connections, what streams that catch up may use at once. */
const CATCHING_UP_MAX = 3;
const AFTER_FAILURE_MS = 1_000;

/**
 * The ledger's tail for any number of streams, read by one loop: as long as there is a follower, it reads what is new
 * into a window and wakes who waits for it. Who is behind the window reads pages from the ledger, a few at a time.
 */
export class EventFeed {
  private readonly followers = new Set<Follower>();
  private readonly ofPlan = new Map<string, Set<Follower>>();
  private readonly reads = new Permits(CATCHING_UP_MAX);
  private window: Promise<EventWindow> | null = null;
  private loop: Promise<void> | null = null;
  private nudged = false;
  private stopping = false;
  private wake: () => void = () => undefined;

  constructor(private readonly o: EventFeedOptions) {}

  /** Something was committed. Costs nothing; call it after every append. */
  nudge(): void {
    this.nudged = true;
    this.wake();
  }

  /**
   * Resolves when everything that is committed from now on will wake the follower: what was committed before is there
   * to be read. `planId` null: wakes for every plan. Throws when the ledger cannot be read.
   */
  async follow(planId: string | null): Promise<Follower> {
    const follower = new Follower(this, planId);
    this.followers.add(follower);
    if (planId !== null) this.followersOf(planId).add(follower);
    try {
      await this.started();
      return follower;
    } catch (error) {
      follower.close();
      throw error;
    }
  }

  /** After the cursor, a page; empty: nothing yet. */
  async after(cursor: TailCursor): Promise<ToldEvent[]> {
    const kept = (await this.started()).after(cursor, PAGE.events);
    return kept ?? this.reads.with(async () => told(await this.o.pages.ofAll(cursor, PAGE)));
  }

  /** Of one plan, a page; empty: nothing yet. */
  async ofPlanAfter(planId: string, seq: number): Promise<ToldEvent[]> {
    const kept = (await this.started()).ofPlan(planId, seq, PAGE.events);
    return kept ?? this.reads.with(async () => told(await this.o.pages.ofPlan(planId, seq, PAGE)));
  }

  /** Whoever follows is woken. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const follower of this.followers) follower.notify();
    this.wake();
    await this.loop;
  }

  get stopped(): boolean {
    return this.stopping;
  }

  /** For `Follower.close`. */
  release(follower: Follower): void {
    this.followers.delete(follower);
    if (follower.planId === null) return;
    const followers = this.ofPlan.get(follower.planId);
    followers?.delete(follower);
    if (followers?.size === 0) this.ofPlan.delete(follower.planId);
  }

  private followersOf(planId: string): Set<Follower> {
    let followers = this.ofPlan.get(planId);
    if (!followers) this.ofPlan.set(planId, (followers = new Set()));
    return followers;
  }

  private started(): Promise<EventWindow> {
    this.window ??= this.start().catch((error: unknown) => {
      this.window = null;
      throw error;
    });
    return this.window;
  }

  private async start(): Promise<EventWindow> {
    const end = await this.o.pages.end();
    const window = new EventWindow(this.o.window ?? WINDOW, end);
    this.loop = this.run(window, end).catch((error: unknown) => {
      this.window = null;
      this.o.log.error({ err: error, alert: 'streams-stand-still' }, 'The feed of event streams ended');
    });
    return window;
  }

  /** Ends when nobody follows any more; the next follower starts anew, with an empty window. */
  private async run(window: EventWindow, start: TailCursor): Promise<void> {
    let cursor = start;
    let failures = 0;
    while (!this.stopping) {
      this.nudged = false;
      let events: StoredEvent[] = [];
      try {
        events = await this.o.pages.ofAll(cursor, TAIL_PAGE);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === 1) this.o.log.warn({ err: error }, 'Event streams wait: the ledger cannot be read');
      }
      const last = events.at(-1);
      if (last) {
        cursor = { tx: last.tx, position: last.position };
        this.tell(window, told(events));
      }
      if (this.followers.size === 0) break;
      if (failures > 0) await this.sleep(AFTER_FAILURE_MS, false);
      else if (last || this.nudged) await this.sleep(this.o.pauseMs ?? 20, false);
      else await this.sleep(this.o.pollMs ?? 250, true);
    }
    this.window = null;
  }

  private tell(window: EventWindow, events: ToldEvent[]): void {
    window.push(events);
    for (const follower of this.followers) if (follower.planId === null) follower.notify();
    for (const planId of new Set(events.map((event) => event.planId))) {
      for (const follower of this.ofPlan.get(planId) ?? []) follower.notify();
    }
  }

  private async sleep(ms: number, nudgeEnds: boolean): Promise<void> {
    const timer = new AbortController();
    this.wake = () => {
      if (this.stopping || nudgeEnds) timer.abort();
    };
    await delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
    this.wake = () => undefined;
  }
}

/** Who waits for news. `close` it, or the feed goes on reading for it. */
export class Follower {
  private news = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly feed: EventFeed,
    readonly planId: string | null,
  ) {}

  /** To be called before reading: what is committed after that ends the next wait. */
  reading(): void {
    this.news = false;
  }

  /** Until there may be more to read, the feed stops, or the signal is given. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.news || this.feed.stopped || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      signal.addEventListener('abort', this.wake, { once: true });
    });
    signal.removeEventListener('abort', this.wake);
  }

  notify(): void {
    this.news = true;
    this.wake();
  }

  close(): void {
    this.feed.release(this);
  }
}

function told(events: StoredEvent[]): ToldEvent[] {
  return events.map((stored) => new ToldEvent(stored));
}
