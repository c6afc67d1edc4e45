import type { Subscription } from '@nats-io/nats-core';
import type { Announcement } from '#contracts';
import type { Bus } from '../connection/bus.ts';

export interface AnnouncerOptions {
  bus: Bus;
  /** Null: not deciding now, nothing is announced. */
  announcement: () => Announcement | null;
  /** Default 1 s. */
  intervalMs?: number;
}

/** Tells workers and standbys who decides: every second, on request, and at once when something changed. */
export class Announcer {
  readonly #o: AnnouncerOptions;
  #calloff: (() => void) | null = null;
  #subscription: Subscription | null = null;

  constructor(o: AnnouncerOptions) {
    this.#o = o;
  }

  start(): this {
    if (this.#calloff !== null) return this;
    const { bus } = this.#o;
    this.#subscription = bus.nc.subscribe(bus.subjects.whoDecides(), {
      callback: (error, message) => {
        const announcement = this.#o.announcement();
        if (error === null && announcement !== null && message.reply)
          bus.publish(message.reply, announcement);
      },
    });
    this.#announceOften();
    return this;
  }

  /** To be called after a new term or generation, so that workers need not wait for the next second. */
  announceNow(): void {
    this.#publish(this.#o.bus.subjects.announcements());
  }

  stop(): void {
    this.#calloff?.();
    this.#calloff = null;
    this.#subscription?.unsubscribe();
    this.#subscription = null;
  }

  #announceOften(): void {
    this.#calloff = this.#o.bus.clock.schedule(this.#o.intervalMs ?? 1_000, () => this.#announceOften());
    this.announceNow();
  }

  /** A failure here (the connection is being drained) must not end the process: the next second is another try. */
  #publish(subject: string): void {
    try {
      const announcement = this.#o.announcement();
      if (announcement !== null) this.#o.bus.publish(subject, announcement);
    } catch (error) {
      this.#o.bus.log.warn({ err: error }, 'The decider could not announce itself');
    }
  }
}
