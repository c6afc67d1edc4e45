import { type Msg, nanos, type Subscription } from '@nats-io/nats-core';
import type { Bus } from '../connection/bus.ts';

/** Where a pull goes: one pool's consumer of one generation. */
export interface PullTarget {
  stream: string;
  consumer: string;
}

export type Pulled =
  | { kind: 'job'; message: Msg }
  /** Nothing was queued for as long as the pull lasted. */
  | { kind: 'empty' }
  /** There is no such consumer: it was deleted, or JetStream was wiped. */
  | { kind: 'missing' }
  /** No answer: connection lost, or called off. */
  | { kind: 'lost' };

/** How much longer than the broker we wait for its "nothing there". */
const GRACE_MS = 2_000;

/**
 * One slot's pulls: at most one is outstanding, for one job. Requests are bare messages to the consumer's name, so that
 * a pull costs one message and no look-up (the client's own `next()` subscribes and unsubscribes each time).
 */
export class JobPull {
  readonly #bus: Bus;
  #subscription: Subscription | null = null;
  #inbox = '';
  #serial = 0;
  #settle: ((pulled: Pulled) => void) | null = null;
  #calloff: (() => void) | null = null;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** `waitMs` 0: answer at once when nothing is queued. */
  async next(target: PullTarget, waitMs: number): Promise<Pulled> {
    if (!this.#bus.connected) return { kind: 'lost' };
    if (this.#settle !== null) throw new Error('A slot pulls one job at a time');
    this.#subscription ??= this.#subscribe();
    const reply = `${this.#inbox}.${++this.#serial}`;
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#calloff = this.#bus.clock.schedule(waitMs + GRACE_MS, () => this.callOff());
      const request = waitMs === 0 ? { batch: 1, no_wait: true } : { batch: 1, expires: nanos(waitMs) };
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${target.stream}.${target.consumer}`;
      this.#bus.nc.publish(subject, JSON.stringify(request), { reply });
    });
  }

  /**
   * Gives up on an outstanding pull. Its subscription ends too: the broker then sees that nobody waits there, instead
   * of delivering a job that no slot runs.
   */
  callOff(): void {
    this.#unsubscribe();
    this.#end({ kind: 'lost' });
  }

  /** As `callOff`, but takes a job that is already on its way. */
  async finish(): Promise<void> {
    const subscription = this.#subscription;
    const settle = this.#settle;
    if (settle === null || subscription === null || !this.#bus.connected) return this.callOff();
    this.#subscription = null;
    await subscription.drain().catch(() => undefined);
    if (this.#settle === settle) this.#end({ kind: 'lost' });
  }

  #subscribe(): Subscription {
    const inbox = this.#bus.inbox();
    this.#inbox = inbox;
    return this.#bus.nc.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#receive(inbox, message);
        else this.callOff(); // A permission is missing; the log of the bus says which.
      },
    });
  }

  #receive(inbox: string, message: Msg): void {
    // The broker's own words come on the pull's inbox, jobs on their own subject.
    if (!message.subject.startsWith(inbox)) return this.#end({ kind: 'job', message });
    if (message.subject !== `${this.#inbox}.${this.#serial}`) return;
    this.#end({ kind: isMissing(message) ? 'missing' : 'empty' });
  }

  #end(pulled: Pulled): void {
    const settle = this.#settle;
    if (settle === null) {
      // Arrived after the slot gave up: unclaimed, so the decider issues it anew after the claim timeout.
      if (pulled.kind === 'job')
        this.#bus.log.warn({ subject: pulled.message.subject }, 'A job came too late');
      return;
    }
    this.#settle = null;
    this.#calloff?.();
    this.#calloff = null;
    settle(pulled);
  }

  #unsubscribe(): void {
    if (this.#subscription !== null && !this.#subscription.isClosed()) this.#subscription.unsubscribe();
    this.#subscription = null;
  }
}

/** 503: nobody listens under the consumer's name. 409 with "deleted": it went while we waited. */
function isMissing(message: Msg): boolean {
  const code = message.headers?.code ?? 0;
  return code === 503 || (code === 409 && /deleted/i.test(message.headers?.description ?? ''));
}
