import { Backoff } from './backoff.ts';
import { readBounded } from './bounded-body.ts';
import { ConnectionError, ProblemError } from './errors.ts';
import { describeFailure } from './failure.ts';
import { problemError } from './refusal.ts';

export interface TransportOptions {
  /** For one try, the whole answer included. */
  timeoutMs?: number;
  /** How often a request that may be repeated is tried. */
  tries?: number;
}

/** Past this an answer is no answer: a ledger page of 500 events with 64 KB outputs each is below it. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const TIMEOUT_MS = 15_000;
const TRIES = 3;
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Sends a request. Every try has a deadline; reads, and what carries a key, are repeated when the connection failed or
 * the server said later; nothing else is. Throws ConnectionError, ProblemError, and the reason of the request's signal.
 */
export class Transport {
  private readonly timeoutMs: number;
  private readonly tries: number;

  constructor(o: TransportOptions = {}) {
    this.timeoutMs = o.timeoutMs ?? TIMEOUT_MS;
    this.tries = o.tries ?? TRIES;
  }

  /** In the shape of `fetch`, for good answers only. */
  readonly send = async (request: Request): Promise<Response> => {
    const mayRepeat = request.method === 'GET' || request.headers.has('idempotency-key');
    const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    for (let left = mayRepeat ? this.tries : 1; ; left--) {
      try {
        return await this.once(left > 1 ? request.clone() : request);
      } catch (error) {
        request.signal.throwIfAborted();
        if (left <= 1 || !isPassing(error)) throw error;
        const leastMs = error instanceof ProblemError ? (error.retryAfterMs ?? 0) : 0;
        await backoff.pause(request.signal, Math.min(leastMs, this.timeoutMs));
      }
    }
  };

  private async once(request: Request): Promise<Response> {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(this.timeoutMs)]);
    let response: Response;
    let body: Buffer<ArrayBuffer>;
    try {
      response = await fetch(request, { signal, redirect: 'error' });
      body = await readBounded(response, ANSWER_BYTES_MAX);
    } catch (error) {
      throw new ConnectionError(new URL(request.url).origin, describeFailure(error, this.timeoutMs), {
        cause: error,
      });
    }
    if (!response.ok)
      throw problemError(response.status, body.toString('utf8'), response.headers.get('retry-after'));
    const headers = new Headers(response.headers);
    // Of what was on the wire. A length of 0 would be taken for no answer, and an empty text is one.
    for (const name of ['content-length', 'content-encoding']) headers.delete(name);
    return new Response(response.status === 204 ? null : body, { status: response.status, headers });
  }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof ConnectionError ||
    (error instanceof ProblemError && (error.status === 503 || error.status === 429))
  );
}
