import { BaseRpcContext } from '@nestjs/microservices';
import type { Msg } from '@nats-io/nats-core';
import { type Bus, traceparentOf } from '../connection/bus.ts';

/**
 * The delivery of one job to this worker. It is not the lease: an ack only tells the broker that the message may go,
 * and is sent after the decider has answered the step's last message. There is no `nak`: what a worker cannot finish
 * it hands back to the decider.
 */
export class JobContext extends BaseRpcContext<[subject: string]> {
  readonly subject: string;
  readonly streamSeq: number;
  /** 1 but for a broker that crashed right after the delivery: the claim decides, not this number. */
  readonly deliveries: number;
  readonly traceparent: string | null;
  /** Fires when the server closes without waiting for its handlers; the handler stops and hands the job back. */
  readonly signal: AbortSignal;
  readonly #bus: Bus;
  readonly #ackSubject: string;
  #done = false;

  constructor(bus: Bus, message: Msg, signal: AbortSignal) {
    super([message.subject]);
    this.#bus = bus;
    this.#ackSubject = message.reply ?? '';
    this.subject = message.subject;
    this.traceparent = traceparentOf(message.headers);
    this.signal = signal;
    [this.deliveries, this.streamSeq] = readDelivery(this.#ackSubject);
  }

  /**
   * Removes the job from the queue; fire and forget (while NATS is away: after its return). An ack that is lost on the
   * way leaves an invisible job that a purge removes.
   */
  ack(): void {
    this.#settle('+ACK');
  }

  /** As `ack`, but tells whether the broker confirmed it. */
  async ackConfirmed(timeoutMs = 2_000): Promise<boolean> {
    if (this.#done || !this.#bus.connected) return false;
    this.#done = true;
    const confirmed = this.#bus.nc.request(this.#ackSubject, '+ACK', { timeout: timeoutMs });
    return confirmed.then(
      () => true,
      () => false,
    );
  }

  /** In-progress ack: the broker counts its ack deadline anew. Not sent while NATS is away or after an ack. */
  working(): void {
    if (!this.#done) this.#publish('+WPI');
  }

  /** Removes the job as one that nobody can run. */
  terminate(reason: string): void {
    this.#settle(`+TERM ${reason}`);
  }

  #settle(payload: string): void {
    if (this.#done) return;
    this.#done = true;
    if (this.#bus.connected) return this.#publish(payload);
    const off = this.#bus.onStatus(() => {
      off();
      this.#publish(payload);
    });
  }

  #publish(payload: string): void {
    if (this.#bus.connected) this.#bus.nc.publish(this.#ackSubject, payload);
  }
}

/** `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>[.x]` */
function readDelivery(ackSubject: string): [deliveries: number, streamSeq: number] {
  const tokens = ackSubject.split('.');
  const at = tokens.length === 9 ? 4 : 6;
  return [Number(tokens[at] ?? 0), Number(tokens[at + 1] ?? 0)];
}
