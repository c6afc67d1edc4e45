import type { FrameStream } from './client-stream.ts';
import type { EventFeed } from './event-feed.ts';
import { endFrame } from './told-event.ts';

/** A plan's events after `seq`, and then as they come, until the plan is closed. */
export class PlanStream implements FrameStream {
  constructor(
    private readonly feed: EventFeed,
    private readonly planId: string,
    private seq: number,
    /** The event at `seq` was the plan's last one. */
    private readonly over = false,
  ) {}

  async *frames(signal: AbortSignal): AsyncGenerator<string> {
    if (this.over) {
      yield endFrame(this.planId, this.seq);
      return;
    }
    const follower = await this.feed.follow(this.planId);
    try {
      while (!signal.aborted && !this.feed.stopped) {
        follower.reading();
        const events = await this.feed.ofPlanAfter(this.planId, this.seq);
        for (const event of events) {
          yield event.bySeq;
          this.seq = event.seq;
          if (event.type !== 'plan.closed') continue;
          yield endFrame(this.planId, event.seq);
          return;
        }
        if (events.length === 0) await follower.wait(signal);
      }
    } finally {
      follower.close();
    }
  }

  heartbeat(): string {
    return ': alive\n\n';
  }
}
