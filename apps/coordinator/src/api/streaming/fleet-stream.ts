import { formatCursor, type TailCursor } from '#ledger';
import { WRITE_CHARS, type FrameStream } from './client-stream.ts';
import type { EventFeed } from './event-feed.ts';
import type { PlanTenants } from './plan-tenants.ts';
import type { ToldEvent } from './told-event.ts';

/** What a reader wants to be told; null: everything. */
export interface EventFilter {
  plans: ReadonlySet<string> | null;
  types: ReadonlySet<string> | null;
  tenant: string | null;
}

/** The events of all plans after the cursor, and then as they come. Never ends by itself. */
export class FleetStream implements FrameStream {
  constructor(
    private readonly feed: EventFeed,
    private readonly tenants: PlanTenants,
    private readonly filter: EventFilter,
    private cursor: TailCursor,
  ) {}

  async *frames(signal: AbortSignal): AsyncGenerator<string> {
    const follower = await this.feed.follow(null);
    try {
      // Whoever breaks off before the first event knows where to go on all the same.
      yield this.position();
      while (!signal.aborted && !this.feed.stopped) {
        follower.reading();
        const events = await this.feed.after(this.cursor);
        let frames = '';
        for (const event of events) {
          if (await this.wants(event)) frames += event.byCursor;
          if (frames.length < WRITE_CHARS && event !== events.at(-1)) continue;
          if (frames !== '') yield frames;
          frames = '';
          this.cursor = event.cursor;
        }
        if (events.length === 0) await follower.wait(signal);
      }
    } finally {
      follower.close();
    }
  }

  /** Moves the reader along over what its filter leaves out. */
  heartbeat(): string {
    return `: alive\n${this.position()}`;
  }

  private position(): string {
    return `id: ${formatCursor(this.cursor)}\n\n`;
  }

  private async wants(event: ToldEvent): Promise<boolean> {
    const { plans, types, tenant } = this.filter;
    if (plans && !plans.has(event.planId)) return false;
    if (types && !types.has(event.type)) return false;
    return tenant === null || (await this.tenants.of(event)) === tenant;
  }
}
