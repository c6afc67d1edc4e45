import type { Status } from '@nats-io/nats-core';

/** The events of a connection for whoever iterates over them. */
export class StatusFeed implements AsyncIterable<Status> {
  private readonly waiting: Status[] = [];
  private wake: (() => void) | null = null;
  private ended = false;

  push(status: Status): void {
    this.waiting.push(status);
    this.wake?.();
  }

  end(): void {
    this.ended = true;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Status> {
    for (;;) {
      const next = this.waiting.shift();
      if (next) yield next;
      else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
