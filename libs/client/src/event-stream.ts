import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { Backoff } from './backoff.ts';
import { readBounded } from './bounded-body.ts';
import { ConnectionError, ProblemError, UnexpectedAnswerError } from './errors.ts';
import { describeFailure } from './failure.ts';
import { problemError } from './refusal.ts';

/** One event of the ledger, as the streams tell it. */
export interface StreamedEvent {
  planId: string;
  /** 1-based and without holes within its plan. */
  seq: number;
  /** ISO 8601 in UTC. */
  at: string;
  /** `step.passed`, `plan.completed` ...; newer servers may know more of them. */
  type: string;
  data: Record<string, unknown>;
  traceparent: string | null;
  /** Where to go on after this event: give it as `after`. Of a plan's stream it is the seq. */
  cursor: string;
}

export interface EventStreamOptions {
  /** Begins after this cursor. Without it: a plan's stream at the first event, that of all plans now. */
  after?: string | number;
  /** Ends the iteration, which then throws the signal's reason. */
  signal?: AbortSignal;
  /** The stream broke and is taken up again: told each time that it could not be. */
  onTrouble?: (error: ConnectionError | ProblemError) => void;
  /** The server is there (again). */
  onConnected?: () => void;
  /** Throws what the trouble is when the server is away this long. Default: goes on trying for ever. */
  giveUpAfterMs?: number;
  /** A stream that is silent longer than this is dead: the server sends something every 15 s. */
  silenceMsMax?: number;
  /** For the answer's head. */
  timeoutMs?: number;
}

/** Characters of one event; the list of a hundred thousand steps is below it. */
const EVENT_CHARS_MAX = 64 * 1024 * 1024;
const SILENCE_MS_MAX = 45_000;
const TIMEOUT_MS = 15_000;
const FIRST_PAUSE_MS = 1_000;
/** Somebody watches: a server that restarts is back within seconds. */
const LONGEST_PAUSE_MS = 5_000;
const PROBLEM_BYTES_MAX = 1024 * 1024;

/** A plan's events from any seq on; ends after `plan.closed`. */
export function planEvents(
  baseUrl: string,
  planId: string,
  o: EventStreamOptions = {},
): AsyncGenerator<StreamedEvent> {
  return readEvents(new URL(`/v1/plans/${encodeURIComponent(planId)}/events`, baseUrl).href, o);
}

/**
 * Follows a stream of events for as long as there is one: what breaks is taken up again after the last event that was
 * handed out, with backoff, so that each event comes exactly once. Ends when the server says that nothing follows.
 * Throws ProblemError for what trying again cannot mend, UnexpectedAnswerError when something else answers.
 */
export async function* readEvents(url: string, o: EventStreamOptions = {}): AsyncGenerator<StreamedEvent> {
  const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  const stream = new ResumedStream(url, o, backoff);
  for (;;) {
    let trouble: ConnectionError | ProblemError;
    try {
      for await (const message of stream.connect()) {
        if (message.event === 'end') return;
        yield toEvent(url, message);
      }
      if (stream.ended) return;
      trouble = new ConnectionError(url, 'the server ended the stream');
    } catch (error) {
      o.signal?.throwIfAborted();
      if (!isPassing(error)) throw error;
      trouble = error;
    }
    if (performance.now() - stream.heardMs > (o.giveUpAfterMs ?? Infinity)) throw trouble;
    o.onTrouble?.(trouble);
    await backoff.pause(o.signal, trouble instanceof ProblemError ? (trouble.retryAfterMs ?? 0) : 0);
  }
}

/** One stream over any number of connections: it knows where the next one goes on. */
class ResumedStream {
  /** The server says that nothing will follow. */
  ended = false;
  /** When the server last said anything. */
  heardMs = performance.now();
  private cursor: string | null;

  constructor(
    private readonly url: string,
    private readonly o: EventStreamOptions,
    private readonly backoff: Backoff,
  ) {
    this.cursor = o.after === undefined ? null : String(o.after);
  }

  /** Reads from the network only when it is asked for more: a slow reader slows the server, and nothing piles up. */
  async *connect(): AsyncGenerator<EventSourceMessage> {
    const connection = new AbortController();
    const signals = [connection.signal, ...(this.o.signal ? [this.o.signal] : [])];
    try {
      const response = await this.within(connection, this.o.timeoutMs ?? TIMEOUT_MS, () =>
        fetch(this.url, { headers: this.headers(), signal: AbortSignal.any(signals), redirect: 'error' }),
      );
      // What EventSource in a browser takes as: do not come back.
      this.ended = response.status === 204;
      if (this.ended) return;
      if (!response.ok) throw await this.refusal(response);
      if (!/^text\/event-stream\b/.test(response.headers.get('content-type') ?? '')) {
        throw new UnexpectedAnswerError(this.url, 'no stream of events');
      }
      this.o.onConnected?.();
      yield* this.messages(response, connection);
    } finally {
      connection.abort();
    }
  }

  private async *messages(
    response: Response,
    connection: AbortController,
  ): AsyncGenerator<EventSourceMessage> {
    const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
    if (!reader) return;
    const silenceMs = this.o.silenceMsMax ?? SILENCE_MS_MAX;
    const decoder = new TextDecoder();
    const ready: EventSourceMessage[] = [];
    const parser = createParser({
      onEvent: (message) => ready.push(message),
      onId: (id) => (this.cursor = id),
      onRetry: (ms) => (this.backoff.firstMs = Math.max(1, ms)),
      maxBufferSize: EVENT_CHARS_MAX,
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded')
          throw new UnexpectedAnswerError(this.url, error.message);
      },
    });
    for (;;) {
      const { done, value } = await this.within(connection, silenceMs, () => reader.read());
      if (done) return;
      // Not before: a server that takes connections and breaks them off at once is not back.
      this.heardMs = performance.now();
      this.backoff.reset();
      parser.feed(decoder.decode(value, { stream: true }));
      yield* ready.splice(0);
    }
  }

  /** One wait for the network: its failure is a ConnectionError, and it does not last for ever. */
  private async within<T>(connection: AbortController, ms: number, wait: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => connection.abort(new Error(`nothing was heard for ${ms} ms`)), ms);
    try {
      return await wait();
    } catch (error) {
      const reason: unknown = connection.signal.aborted ? connection.signal.reason : error;
      throw new ConnectionError(this.url, describeFailure(reason, ms), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  private async refusal(response: Response): Promise<ProblemError> {
    const body = await readBounded(response, PROBLEM_BYTES_MAX).catch(() => Buffer.alloc(0));
    return problemError(response.status, body.toString('utf8'), response.headers.get('retry-after'));
  }

  private headers(): Record<string, string> {
    const headers = { accept: 'text/event-stream' };
    return this.cursor === null ? headers : { ...headers, 'last-event-id': this.cursor };
  }
}

function isPassing(error: unknown): error is ConnectionError | ProblemError {
  return error instanceof ConnectionError || (error instanceof ProblemError && error.retry === 'later');
}

function toEvent(url: string, message: EventSourceMessage): StreamedEvent {
  let json: unknown;
  try {
    json = JSON.parse(message.data);
  } catch (error) {
    throw new UnexpectedAnswerError(url, 'an event that is no JSON', { cause: error });
  }
  const { planId, seq, at, type, data, traceparent } = (json ?? {}) as Partial<StreamedEvent>;
  if (typeof planId !== 'string' || typeof seq !== 'number' || typeof type !== 'string') {
    throw new UnexpectedAnswerError(url, 'an event without a plan, a seq or a type');
  }
  return {
    planId,
    seq,
    at: at ?? '',
    type,
    data: data ?? {},
    traceparent: traceparent ?? null,
    cursor: message.id ?? '',
  };
}
