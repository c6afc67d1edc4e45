import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** What is written to one client, as fast as the client takes it. */
export interface FrameStream {
  /** Whole frames, some at once. Ends when there is nothing more to tell, when the signal is given, or when the feed stops. */
  frames(signal: AbortSignal): AsyncGenerator<string>;
  /** Sent while there is nothing else, so that both sides learn of a dead connection. */
  heartbeat(): string;
}

export interface ClientStreamTimes {
  heartbeatMs: number;
  /** A client that takes not even one slice in this time is cut off; it may come back and go on. */
  stalledMs: number;
}

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

/** Frames that are there together are written together: it costs a third. */
export const WRITE_CHARS = 32 * 1_024;

/** How long a client waits before it comes back; what it adds to that is its own. */
const RETRY_MS = 1_000;
/** What is given to a socket at once, so that even a slow client's progress is seen. */
const SLICE_BYTES = 64 * 1_024;

/**
 * One client's connection. The stream is read no further than the client has taken what came before: a slow one holds
 * a page of events and no more, and one that takes nothing is cut off.
 */
export class ClientStream {
  private readonly ending = new AbortController();
  private sending = false;
  /** Its client took nothing for too long. */
  stalled = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly stream: FrameStream,
    private readonly times: ClientStreamTimes,
  ) {
    response.on('close', () => this.close());
  }

  close(): void {
    this.ending.abort();
  }

  /** Until stream or client end. Throws what the stream throws, unless nobody reads it any more. */
  async write(): Promise<void> {
    const { signal } = this.ending;
    this.response.writeHead(200, STREAM_HEADERS);
    const beat = setInterval(() => this.beat(), this.times.heartbeatMs);
    try {
      this.response.write(`retry: ${RETRY_MS}\n\n`);
      for await (const frame of this.stream.frames(signal)) {
        if (signal.aborted || !(await this.send(frame))) return;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(beat);
      this.response.end();
    }
  }

  private beat(): void {
    if (!this.sending && !this.response.writableNeedDrain) this.response.write(this.stream.heartbeat());
  }

  private async send(frame: string): Promise<boolean> {
    this.sending = true;
    const bytes = Buffer.from(frame);
    for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
      if (this.response.write(bytes.subarray(from, from + SLICE_BYTES))) continue;
      if (!(await this.drained())) return false;
    }
    this.sending = false;
    return true;
  }

  private async drained(): Promise<boolean> {
    const { signal } = this.ending;
    const patience = AbortSignal.timeout(this.times.stalledMs);
    try {
      await once(this.response, 'drain', { signal: AbortSignal.any([signal, patience]) });
      return true;
    } catch {
      this.stalled = !signal.aborted;
      if (this.stalled) this.response.destroy();
      return false;
    }
  }
}
