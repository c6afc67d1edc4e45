import type { HeartbeatMessage, HeartbeatReply, LeaseKey, WorkerSignal } from '#contracts';
import { currentTraceparent, type Logger } from '#telemetry';
import { LeaseLostError } from '../errors.ts';
import type { DeciderClient } from '../requesting/decider-client.ts';
import type { DeciderLocator } from '../requesting/decider-locator.ts';
import { type Clock, systemClock } from './clock.ts';

export interface LeaseKeeperOptions {
  worker: string;
  pools: readonly string[];
  slots: number;
  /** Asked for each heartbeat. */
  draining: () => boolean;
  client: Pick<DeciderClient, 'request' | 'heartbeat'>;
  locator: Pick<DeciderLocator, 'current' | 'onChange'>;
  log: Logger;
  clock?: Clock;
  /** Lease time before the first announcement (default 15 s). */
  initialLeaseMs?: number;
}

/** A lease while its work runs. */
export interface HeldLease {
  readonly key: LeaseKey;
  /** Fires with a `LeaseLostError` when the lease is lost: stop at once, report nothing as done. */
  readonly signal: AbortSignal;
  /** Resolves with true when the decider has bound the lease to us, false when it was lost first. */
  readonly claimed: Promise<boolean>;
  /** The work has ended and the decider knows; the lease is no longer kept. */
  release(): void;
}

/**
 * Keeps the leases of one worker. Every third of a lease one heartbeat names all of them; the broker's ack deadline is
 * renewed with it. A lease ends here, by this worker's own monotonic clock, one lease time after the *sending* of the
 * last message that the decider confirmed it by: earlier than the decider can give it to anybody else.
 */
export class LeaseKeeper {
  readonly #o: LeaseKeeperOptions;
  readonly #clock: Clock;
  readonly #held = new Map<string, Holding>();
  readonly #stopping = new AbortController();
  #leaseMs: number;
  #calloff: (() => void) | null = null;
  #beating = false;
  #again = false;
  #offChange: (() => void) | null = null;

  constructor(o: LeaseKeeperOptions) {
    this.#o = o;
    this.#clock = o.clock ?? systemClock;
    this.#leaseMs = o.locator.current?.leaseMs ?? o.initialLeaseMs ?? 15_000;
  }

  get leases(): LeaseKey[] {
    return [...this.#held.values()].map((holding) => holding.key);
  }

  /** Begins the rhythm; it goes on without leases, so that the decider knows this worker's pools and slots. */
  start(): this {
    this.#offChange ??= this.#o.locator.onChange((now, before) => {
      this.#setLease(now.leaseMs);
      // A new decider should know us at once.
      if (now.term !== before?.term) this.beatNow();
    });
    this.beatNow();
    return this;
  }

  /**
   * Takes a lease up and sends its claim, repeated until it is answered; work may start at once. `context.working` is
   * called with every heartbeat. A lease that is held here already (a broker that crashed may deliver twice) is lost
   * to the second caller and stays with the first.
   */
  hold(key: LeaseKey, context: { working(): void }): HeldLease {
    const heldAtMs = this.#clock.nowMs();
    const holding = new Holding(key, context, heldAtMs);
    const name = leaseName(key);
    if (this.#held.has(name)) return heldTwice(key);
    this.#held.set(name, holding);
    this.#watch(holding);
    const release = (): void => {
      holding.end();
      if (this.#held.get(name) === holding) this.#held.delete(name);
    };
    holding.signal.addEventListener('abort', release);
    return { key, signal: holding.signal, claimed: this.#claim(holding, heldAtMs), release };
  }

  /** A stop from the decider. True when the lease was held here. */
  onSignal(signal: WorkerSignal): boolean {
    const holding = this.#held.get(leaseName(signal));
    if (holding === undefined) return false;
    holding.lose('signal', signal.reason);
    return true;
  }

  /** Aborts every lease that is still held (a worker that closes without draining). */
  abortAll(reason: string): void {
    for (const holding of [...this.#held.values()]) holding.lose('signal', reason);
  }

  /** Sends a heartbeat now; the rhythm goes on from here. */
  beatNow(): void {
    if (this.#stopping.signal.aborted) return;
    this.#calloff?.();
    this.#calloff = null;
    if (this.#beating) this.#again = true;
    else void this.#beat();
  }

  /** Ends the rhythm. Leases still held are not aborted: call `abortAll` for that. */
  stop(): void {
    this.#stopping.abort();
    this.#calloff?.();
    this.#offChange?.();
    for (const holding of this.#held.values()) holding.end();
  }

  async #claim(holding: Holding, heldAtMs: number): Promise<boolean> {
    // Of the lease's live trace: the ledger shows where to look, also for a lease that never reports anything else.
    const traceparent = currentTraceparent();
    try {
      const reply = await this.#o.client.request('claim', { lease: holding.key }, holding.ended, {
        traceparent,
      });
      if (reply.status !== 'applied') {
        holding.lose('told', reply.reason);
        return false;
      }
      holding.confirmed = true;
      // The deadline still counts from the first sending; after a slow claim it may be close.
      if (this.#clock.nowMs() - heldAtMs > this.#leaseMs / 3) this.beatNow();
      return true;
    } catch (error) {
      if (!holding.ended.aborted)
        holding.lose('told', error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  async #beat(): Promise<void> {
    this.#beating = true;
    this.#again = false;
    this.#renewAckDeadlines();
    const named = [...this.#held.values()].filter((holding) => holding.confirmed);
    const sentAtMs = this.#clock.nowMs();
    const reply = await this.#send(named);
    if (reply !== null) this.#apply(reply, named, sentAtMs);
    this.#beating = false;
    if (this.#stopping.signal.aborted) return;
    if (this.#again) return void this.#beat();
    // Unanswered: try again well before the leases run out.
    const delayMs = reply === null ? this.#leaseMs / 12 : this.#leaseMs / 3;
    this.#calloff = this.#clock.schedule(delayMs, () => void this.#beat());
  }

  /** Best effort: what the broker thinks of a lease is a hint only. */
  #renewAckDeadlines(): void {
    for (const { context, key } of this.#held.values()) {
      try {
        context.working();
      } catch (error) {
        this.#o.log.debug(
          { err: error, planId: key.planId, ordinal: key.ordinal },
          'An in-progress ack could not be sent',
        );
      }
    }
  }

  #send(named: Holding[]): Promise<HeartbeatReply | null> {
    const message: HeartbeatMessage = {
      worker: this.#o.worker,
      pools: [...this.#o.pools],
      slots: this.#o.slots,
      draining: this.#o.draining(),
      leases: named.map(({ key: { planId, ordinal, epoch, token } }) => ({ planId, ordinal, epoch, token })),
    };
    return this.#o.client
      .heartbeat(message, this.#leaseMs / 6, this.#stopping.signal)
      .catch((error: unknown) => {
        this.#o.log.warn({ err: error }, 'A heartbeat could not be sent');
        return null;
      });
  }

  #apply(reply: HeartbeatReply, named: Holding[], sentAtMs: number): void {
    if (!Array.isArray(reply.lost)) return this.#o.log.warn({ reply }, 'The decider refused a heartbeat');
    this.#setLease(reply.leaseMs);
    const lost = new Map(reply.lost.map((lease) => [leaseName(lease), lease.reason]));
    const unsure = new Set(reply.unsure?.map(leaseName));
    for (const holding of named) {
      const reason = lost.get(leaseName(holding.key));
      if (reason !== undefined) holding.lose('told', reason);
      else if (!unsure.has(leaseName(holding.key))) holding.confirmedAtMs = sentAtMs;
    }
  }

  /** A shorter lease ends earlier, also those that are held: the decider counts by it already. */
  #setLease(leaseMs: number): void {
    if (leaseMs === this.#leaseMs) return;
    this.#leaseMs = leaseMs;
    for (const holding of [...this.#held.values()]) this.#watch(holding);
  }

  /** One timer per lease, moved only when it fires: most leases are confirmed long before. */
  #watch(holding: Holding): void {
    holding.calloff?.();
    const leftMs = holding.confirmedAtMs + this.#leaseMs - this.#clock.nowMs();
    if (leftMs <= 0)
      return holding.lose('deadline', 'The decider has not confirmed it for a whole lease time');
    holding.calloff = this.#clock.schedule(leftMs, () => this.#watch(holding));
  }
}

/** One reason for all: an abort without one makes a DOMException with a stack each time (5 % of a worker's time). */
const ENDED = new Error('The lease is no longer kept');

/** One held lease and its end. */
class Holding {
  confirmed = false;
  calloff: (() => void) | null = null;
  readonly #lost = new AbortController();
  readonly #ended = new AbortController();

  constructor(
    readonly key: LeaseKey,
    readonly context: { working(): void },
    /** When the last message was sent that the decider confirmed the lease by; at first, when it was taken up. */
    public confirmedAtMs: number,
  ) {}

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Fires when the lease is lost or released, and when the keeper stops. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  lose(how: LeaseLostError['how'], reason: string): void {
    if (this.#ended.signal.aborted) return;
    this.end();
    this.#lost.abort(new LeaseLostError(this.key, how, reason));
  }

  end(): void {
    this.calloff?.();
    this.calloff = null;
    this.#ended.abort(ENDED);
  }
}

function heldTwice(key: LeaseKey): HeldLease {
  const signal = AbortSignal.abort(new LeaseLostError(key, 'told', 'This worker holds it already'));
  return { key, signal, claimed: Promise.resolve(false), release: () => undefined };
}

function leaseName(lease: { planId: string; ordinal: number; epoch: number }): string {
  return `${lease.planId}.${lease.ordinal}.${lease.epoch}`;
}
