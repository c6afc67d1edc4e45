import { compareCursors, type TailCursor } from '#ledger';
import type { ToldEvent } from './told-event.ts';

export interface WindowBounds {
  events: number;
  bytes: number;
}

/** The newest events of the tail, kept for everybody who reads close to it. Older ones are in the ledger. */
export class EventWindow {
  private events: ToldEvent[] = [];
  private bytes = 0;
  private readonly byPlan = new Map<string, ToldEvent[]>();

  /** `start`: everything after it will be pushed. */
  constructor(
    private readonly bounds: WindowBounds,
    private start: TailCursor,
  ) {}

  /** In the order of the tail, without a hole. */
  push(events: readonly ToldEvent[]): void {
    for (const event of events) {
      this.events.push(event);
      this.bytes += event.size;
      const ofPlan = this.byPlan.get(event.planId);
      if (ofPlan) ofPlan.push(event);
      else this.byPlan.set(event.planId, [event]);
    }
    this.trim();
  }

  /** At most `limit` events after the cursor; null: some of them are not here any more. */
  after(cursor: TailCursor, limit: number): ToldEvent[] | null {
    if (compareCursors(cursor, this.start) < 0) return null;
    const from = firstIndex(this.events, (event) => compareCursors(event.cursor, cursor) > 0);
    return this.events.slice(from, from + limit);
  }

  /** The plan's events after `seq`; null: nothing is known of the plan here, or not what follows. */
  ofPlan(planId: string, seq: number, limit: number): ToldEvent[] | null {
    const events = this.byPlan.get(planId);
    if (!events?.[0] || events[0].seq > seq + 1) return null;
    const from = firstIndex(events, (event) => event.seq > seq);
    return events.slice(from, from + limit);
  }

  get size(): WindowBounds {
    return { events: this.events.length, bytes: this.bytes };
  }

  private trim(): void {
    let gone = 0;
    while (this.events.length - gone > this.bounds.events || this.bytes > this.bounds.bytes) {
      const event = this.events[gone];
      if (!event) break;
      gone += 1;
      this.bytes -= event.size;
      this.start = event.cursor;
      this.forget(event);
    }
    if (gone > 0) this.events = this.events.slice(gone);
  }

  /** The oldest of all is the oldest of its plan. */
  private forget({ planId }: ToldEvent): void {
    const events = this.byPlan.get(planId);
    events?.shift();
    if (events?.length === 0) this.byPlan.delete(planId);
  }
}

/** Where the sorted events begin to be `late`; their number when none is. */
function firstIndex(events: readonly ToldEvent[], late: (event: ToldEvent) => boolean): number {
  let from = 0;
  let to = events.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (late(events[middle]!)) to = middle;
    else from = middle + 1;
  }
  return from;
}
