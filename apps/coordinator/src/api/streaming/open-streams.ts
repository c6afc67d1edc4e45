import type { FastifyReply } from 'fastify';
import type { Logger } from '#telemetry';
import { Problem } from '../problem.ts';
import { ClientStream, STREAM_HEADERS, type FrameStream } from './client-stream.ts';

export interface OpenStreamsOptions {
  log: Logger;
  /** Streams at once, of all clients. */
  max: number;
  heartbeatMs?: number;
  stalledMs?: number;
}

const HEARTBEAT_MS = 15_000;
const STALLED_MS = 30_000;
const RETRY_AFTER_FULL_S = 5;

/** The event streams of this replica: how many there may be, and their end. */
export class OpenStreams {
  private readonly open = new Set<ClientStream>();
  private closing = false;

  constructor(private readonly o: OpenStreamsOptions) {}

  get count(): number {
    return this.open.size;
  }

  /** Throws the Problem to answer when no stream is taken. */
  admit(): void {
    if (this.closing) {
      const detail = 'this coordinator is shutting down; come back in a second';
      throw new Problem(503, 'shutting-down', detail, { retryAfterS: 1 });
    }
    if (this.open.size < this.o.max) return;
    const detail = `${this.o.max} event streams are open here, and no more are taken; try again, or read GET /v1/plans/<id>/ledger`;
    throw new Problem(503, 'streams-full', detail, { retryAfterS: RETRY_AFTER_FULL_S });
  }

  /**
   * Answers with the stream, to its end. Throws a Problem while there still is something to answer; later nothing:
   * what a client misses it asks for again, and learns then what is wrong, if it still is.
   */
  async serve(reply: FastifyReply, stream: FrameStream): Promise<void> {
    this.admit();
    if (reply.request.method === 'HEAD') {
      void reply.headers(STREAM_HEADERS).send();
      return;
    }
    reply.hijack();
    const client = new ClientStream(reply.raw, stream, {
      heartbeatMs: this.o.heartbeatMs ?? HEARTBEAT_MS,
      stalledMs: this.o.stalledMs ?? STALLED_MS,
    });
    this.open.add(client);
    try {
      await client.write();
      if (client.stalled) this.o.log.info({}, 'An event stream was cut off: its client reads nothing');
    } catch (error) {
      this.o.log.warn({ err: error }, 'An event stream broke off');
    } finally {
      this.open.delete(client);
    }
  }

  /** Ends them all; their clients come back to whoever listens then. */
  close(): void {
    this.closing = true;
    for (const client of this.open) client.close();
  }
}
