import { WRITE_CHARS, type FrameStream } from './client-stream.ts';
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
        let frames = '';
        for (const event of events) {
          const isLast = event.type === 'plan.closed';
          frames += isLast ? event.bySeq + endFrame(this.planId, event.seq) : event.bySeq;
          if (frames.length < WRITE_CHARS && event !== events.at(-1)) continue;
          yield frames;
          frames = '';
          this.seq = event.seq;
          if (isLast) return;
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
