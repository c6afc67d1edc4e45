import type { Subscription } from '@nats-io/nats-core';
import { z } from 'zod';
import type { Announcement } from '#contracts';
import type { Bus } from '../connection/bus.ts';
import type { Clock } from '../leasing/clock.ts';

export interface DeciderLocatorOptions {
  bus: Bus;
  clock?: Clock;
  /** After this silence of the known decider an older term is believed (default 10 s): the ledger was replaced. */
  staleMs?: number;
}

const announcement = z.object({
  term: z.int().nonnegative(),
  decider: z.string(),
  generation: z.string().regex(/^[a-z0-9]+$/),
  pools: z.array(z.string().regex(/^[a-z0-9-]+$/)),
  leaseMs: z.int().positive(),
});

/** Questions per second are bounded: when the decider dies, every request of every worker wants to know. */
const ASK_INTERVAL_MS = 250;

/** Keeps the newest announcement: who decides, and where the jobs are. The highest term wins. */
export class DeciderLocator {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #staleMs: number;
  readonly #listeners = new Set<(now: Announcement, before: Announcement | null) => void>();
  #subscription: Subscription | null = null;
  #offStatus: (() => void) | null = null;
  #current: Announcement | null = null;
  #heardAtMs = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(o: DeciderLocatorOptions) {
    this.#bus = o.bus;
    this.#clock = o.clock ?? o.bus.clock;
    this.#staleMs = o.staleMs ?? 10_000;
  }

  get current(): Announcement | null {
    return this.#current;
  }

  /** How long ago the decider was last heard; Infinity when never. */
  get silentMs(): number {
    return this.#current === null ? Number.POSITIVE_INFINITY : this.#clock.nowMs() - this.#heardAtMs;
  }

  start(): this {
    if (this.#subscription !== null) return this;
    this.#subscription = this.#bus.nc.subscribe(this.#bus.subjects.announcements(), {
      callback: (error, message) => {
        if (error === null) this.#hear(message.data);
      },
    });
    this.#offStatus = this.#bus.onStatus((status) => {
      if (status === 'reconnected') this.refresh();
    });
    this.refresh();
    return this;
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = null;
    this.#offStatus?.();
    this.#offStatus = null;
    this.#listeners.clear();
  }

  /** Called when term, generation, pools or lease time change. Returns the unsubscriber. */
  onChange(listener: (now: Announcement, before: Announcement | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks the decider to announce itself now; the answer comes as an announcement. Cheap to call often. */
  refresh(): void {
    const now = this.#clock.nowMs();
    if (now - this.#askedAtMs < ASK_INTERVAL_MS || !this.#bus.connected) return;
    this.#askedAtMs = now;
    this.#bus.nc
      .request(this.#bus.subjects.whoDecides(), '', { timeout: 1_000 })
      .then((answer) => this.#hear(answer.data))
      .catch(() => undefined); // Nobody decides now; the next announcement comes by itself.
  }

  /** The current announcement, or the first one to come. Rejects with the signal's reason. */
  whenKnown(signal: AbortSignal): Promise<Announcement> {
    return this.#current === null ? this.nextChange(signal) : Promise.resolve(this.#current);
  }

  /** Resolves with the next change. Rejects with the signal's reason. */
  nextChange(signal: AbortSignal): Promise<Announcement> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        off();
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason as Error);
      };
      const off = this.onChange((now) => {
        end();
        resolve(now);
      });
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort);
    });
  }

  #hear(data: Uint8Array): void {
    const heard = readAnnouncement(data);
    if (heard === null) return;
    const before = this.#current;
    if (before !== null && heard.term < before.term && this.silentMs < this.#staleMs) return;
    this.#current = heard;
    this.#heardAtMs = this.#clock.nowMs();
    if (before !== null && sameDecider(before, heard)) return;
    for (const listener of [...this.#listeners]) listener(heard, before);
  }
}

function readAnnouncement(data: Uint8Array): Announcement | null {
  try {
    const parsed = announcement.safeParse(JSON.parse(new TextDecoder().decode(data)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function sameDecider(a: Announcement, b: Announcement): boolean {
  return (
    a.term === b.term &&
    a.decider === b.decider &&
    a.generation === b.generation &&
    a.leaseMs === b.leaseMs &&
    a.pools.join() === b.pools.join()
  );
}
