import type { EventPages, TailCursor } from '#ledger';
import type { Logger } from '#telemetry';
import { EventFeed } from './event-feed.ts';
import { PlanTenants } from './plan-tenants.ts';

/** What event streams read from: one feed for all of them. Owner: who made it; `stop` ends it. */
export class LiveEvents {
  readonly feed: EventFeed;
  readonly tenants: PlanTenants;

  constructor(
    private readonly pages: EventPages,
    log: Logger,
  ) {
    this.feed = new EventFeed({ pages, log });
    this.tenants = new PlanTenants(pages);
  }

  /** Something was committed. */
  nudge(): void {
    this.feed.nudge();
  }

  /** After everything that streams of all plans could be told now. */
  end(): Promise<TailCursor> {
    return this.pages.end();
  }

  /** Whether the event with this seq was the plan's last one. */
  async isClosed(planId: string, seq: number): Promise<boolean> {
    const [last] = await this.pages.ofPlan(planId, seq - 1, { events: 1, bytes: 1 });
    return last?.event.type === 'plan.closed';
  }

  async stop(): Promise<void> {
    await this.feed.stop();
  }
}
