import type {
  AttemptMessage,
  ClaimMessage,
  DeciderReply,
  DeciderVerb,
  HeartbeatMessage,
  HeartbeatReply,
  ReleaseMessage,
  ResultMessage,
} from '#contracts';
import { measure, secondsSince } from '#telemetry';
import { type Bus, traceHeaders } from '../connection/bus.ts';
import { AnswerTooLargeError, BusUnavailableError } from '../errors.ts';
import type { DeciderLocator } from './decider-locator.ts';
import { fullJitterMs } from './backoff.ts';
import { ANSWER_TOO_LARGE, LATER } from './wire.ts';

/** What each verb of the decider takes and answers. `command` is between standby and decider. */
export interface DeciderProtocol {
  claim: { message: ClaimMessage; reply: DeciderReply };
  attempt: { message: AttemptMessage; reply: DeciderReply };
  result: { message: ResultMessage; reply: DeciderReply };
  release: { message: ReleaseMessage; reply: DeciderReply };
  heartbeat: { message: HeartbeatMessage; reply: HeartbeatReply };
  command: { message: unknown; reply: unknown };
}

export interface DeciderClientOptions {
  bus: Bus;
  locator: DeciderLocator;
  /** How long one try waits for its answer (default 5 s); a new term ends the wait at once. */
  tryTimeoutMs?: number;
  /** Bound of the backoff between tries (default 2 s). */
  maxDelayMs?: number;
}

/**
 * Requests to whoever decides. A message is kept and sent again, unchanged, until it is answered: by the decider it
 * was sent to, or by the one of a later term. The decider treats a repeated message as the same one.
 */
export class DeciderClient {
  readonly #bus: Bus;
  readonly #locator: DeciderLocator;
  readonly #tryTimeoutMs: number;
  readonly #maxDelayMs: number;

  constructor(o: DeciderClientOptions) {
    this.#bus = o.bus;
    this.#locator = o.locator;
    this.#tryTimeoutMs = o.tryTimeoutMs ?? 5_000;
    this.#maxDelayMs = o.maxDelayMs ?? 2_000;
  }

  /**
   * Resolves with the decider's answer, however long that takes; rejects only with the signal's reason, with
   * MessageTooLargeError before anything is sent, with AnswerTooLargeError when it was done but the answer cannot be
   * sent, or with BusUnavailableError once the bus is closed.
   */
  async request<V extends DeciderVerb>(
    verb: V,
    message: DeciderProtocol[V]['message'],
    signal: AbortSignal,
    o: { traceparent?: string | null } = {},
  ): Promise<DeciderProtocol[V]['reply']> {
    const payload = this.#bus.encode(verb, message);
    const startedAt = performance.now();
    let result: 'answered' | 'unanswered' | 'aborted' = 'unanswered';
    try {
      const reply = await this.#persist(verb, payload, signal, o.traceparent ?? null);
      result = 'answered';
      return reply;
    } catch (error) {
      if (signal.aborted) result = 'aborted';
      throw error;
    } finally {
      measure('deciderRequests', secondsSince(startedAt), { verb, result });
    }
  }

  async #persist(
    verb: DeciderVerb,
    payload: string,
    signal: AbortSignal,
    traceparent: string | null,
  ): Promise<unknown> {
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      if (this.#bus.closed) throw new BusUnavailableError(verb);
      const answer = await this.#tryOnce(verb, payload, this.#tryTimeoutMs, signal, traceparent);
      const tooLarge = answer && unsent(verb, answer.reply);
      if (tooLarge) throw tooLarge;
      if (answer !== null) return answer.reply;
      signal.throwIfAborted();
      this.#locator.refresh();
      await this.#pause(tries, signal);
    }
  }

  /** One try, not repeated: a heartbeat is only true when it is sent. Null: not answered in time. */
  async heartbeat(
    message: HeartbeatMessage,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<HeartbeatReply | null> {
    const payload = this.#bus.encode('heartbeat', message);
    const startedAt = performance.now();
    const tried = await this.#tryOnce('heartbeat', payload, timeoutMs, signal ?? NEVER, null);
    const answer = tried && unsent('heartbeat', tried.reply) ? null : tried;
    const result = answer !== null ? 'answered' : signal?.aborted ? 'aborted' : 'unanswered';
    measure('deciderRequests', secondsSince(startedAt), { verb: 'heartbeat', result });
    if (answer === null) this.#locator.refresh();
    return answer === null ? null : (answer.reply as HeartbeatReply);
  }

  /** Null: nobody there, no answer in time, "later", a newer term has begun, or aborted. */
  async #tryOnce(
    verb: DeciderVerb,
    payload: string,
    timeoutMs: number,
    signal: AbortSignal,
    traceparent: string | null,
  ): Promise<{ reply: unknown } | null> {
    const decider = this.#locator.current;
    if (decider === null || !this.#bus.connected) return null;
    const subject = this.#bus.subjects.decider(decider.term, verb);
    const headers = traceparent === null ? {} : { headers: traceHeaders(traceparent) };
    const answer = this.#bus.nc.request(subject, payload, { timeout: timeoutMs, ...headers }).then(
      (message) => ({ reply: message.json<unknown>() }),
      () => null,
    );
    const read = await this.#unlessOutdated(answer, decider.term, signal);
    return read === null || isLater(read.reply) ? null : read;
  }

  /** A dead decider cannot answer: do not wait out the timeout once its successor is known. */
  #unlessOutdated<T>(answer: Promise<T>, term: number, signal: AbortSignal): Promise<T | null> {
    return new Promise((resolve) => {
      const end = (value: T | null): void => {
        offChange();
        offStatus();
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      };
      const onAbort = (): void => end(null);
      const offChange = this.#locator.onChange((now) => {
        if (now.term !== term) end(null);
      });
      const offStatus = this.#bus.onStatus((status) => {
        if (status !== 'reconnected') end(null);
      });
      signal.addEventListener('abort', onAbort);
      answer.then(end, () => end(null));
    });
  }

  /** Backoff; ends early when another decider is announced, or the connection comes back or is closed. */
  #pause(tries: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#bus;
    const delayMs = fullJitterMs(tries, { baseMs: 50, maxMs: this.#maxDelayMs, floorMs: 5, random });
    return new Promise((resolve) => {
      const end = (): void => {
        calloff();
        offChange();
        offStatus();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const calloff = clock.schedule(delayMs, end);
      const offChange = this.#locator.onChange(end);
      const offStatus = this.#bus.onStatus(end);
      signal.addEventListener('abort', end);
    });
  }
}

/** What stands in for an answer that is too large; null: it is the answer. */
function unsent(verb: DeciderVerb, reply: unknown): AnswerTooLargeError | null {
  if (typeof reply !== 'object' || reply === null || !('status' in reply)) return null;
  if (reply.status !== ANSWER_TOO_LARGE) return null;
  const { sizeBytes, limitBytes } = reply as unknown as AnswerTooLargeError;
  return new AnswerTooLargeError(verb, sizeBytes, limitBytes);
}

function isLater(reply: unknown): boolean {
  return typeof reply === 'object' && reply !== null && 'status' in reply && reply.status === LATER;
}

const NEVER = new AbortController().signal;
