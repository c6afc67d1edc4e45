import type { HeartbeatMessage } from '#contracts';
import type { PoolSlots } from '#domain';

export interface KnownWorker {
  worker: string;
  pools: string[];
  slots: number;
  draining: boolean;
  leases: number;
  lastSeen: number;
}

/** Far above any fleet: a bound against senders of made-up names. */
const MAX_WORKERS = 20_000;

/** Which workers there are and what they can take, as their heartbeats say. */
export class WorkerRoster {
  private readonly workers = new Map<string, KnownWorker>();
  private cached: Map<string, number> | null = null;

  constructor(private readonly silenceMs: number) {}

  /** True when what the fleet can take has changed. */
  heard(message: HeartbeatMessage, now: number): boolean {
    const before = this.workers.get(message.worker);
    if (!before && this.workers.size >= MAX_WORKERS) return false;
    this.workers.set(message.worker, {
      worker: message.worker,
      pools: message.pools,
      slots: message.slots,
      draining: message.draining,
      leases: message.leases.length,
      lastSeen: now,
    });
    const changed =
      before?.slots !== message.slots ||
      before.draining !== message.draining ||
      before.pools.join() !== message.pools.join();
    if (changed) this.cached = null;
    return changed;
  }

  /** Forgets workers that have been silent; true when some were. */
  sweep(now: number): boolean {
    let dropped = false;
    for (const worker of this.workers.values()) {
      if (now - worker.lastSeen <= this.silenceMs) continue;
      this.workers.delete(worker.worker);
      dropped = true;
    }
    if (dropped) this.cached = null;
    return dropped;
  }

  /** Slots by pool. A worker of several pools counts in each: its slots go to whichever has work. */
  slots(): PoolSlots {
    if (this.cached) return this.cached;
    const slots = new Map<string, number>();
    for (const worker of this.workers.values()) {
      if (worker.draining) continue;
      for (const pool of worker.pools) slots.set(pool, (slots.get(pool) ?? 0) + worker.slots);
    }
    this.cached = slots;
    return slots;
  }

  pools(): string[] {
    return [...new Set([...this.workers.values()].flatMap((worker) => worker.pools))];
  }

  list(): KnownWorker[] {
    return [...this.workers.values()];
  }
}
