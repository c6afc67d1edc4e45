import type { Terms } from '#ledger';
import { count, observe, type Logger } from '#telemetry';
import { repeat, systemClock, type Clock } from './clock.ts';
import type { Decider } from './decider.ts';

export interface ElectorOptions {
  terms: Terms;
  holder: string;
  /** How long a term lives without renewal; renewed three times as often. */
  ttlMs: number;
  log: Logger;
  /** Default: the system's. */
  clock?: Clock;
  build: (term: number, onDeposed: () => void) => Decider;
}

/**
 * Standby until the decider falls silent, then decider for one term. Whether a term still holds is never judged here:
 * the ledger refuses the appends of a term that is over. This only keeps the time of silence short.
 *
 * While the ledger is away nobody can know whether the term still holds. The decider stays, unsure: it goes on answering
 * heartbeats, so that an outage of the ledger does not end every lease of the fleet, but it takes no commands and repairs
 * nothing. It steps down when the ledger says that the term is over.
 */
export class Elector {
  private decider: Decider | null = null;
  private calloff: (() => void) | null = null;
  private stopped = false;
  private busy: Promise<void> = Promise.resolve();
  private renewedAt = 0;
  private deposed = false;
  private offActive: () => void = () => undefined;

  private readonly clock: Clock;

  constructor(private readonly o: ElectorOptions) {
    this.clock = o.clock ?? systemClock;
  }

  /** The decider, while this replica is it. */
  get current(): Decider | null {
    return this.deposed || !this.isSure ? null : this.decider;
  }

  /** Whether the term has been renewed in time: else another replica may have begun the next one. */
  get isSure(): boolean {
    return this.clock.monotonic() - this.renewedAt < this.o.ttlMs;
  }

  start(): void {
    this.offActive = observe('deciderActive', (tell) => tell(this.current === null ? 0 : 1, {}));
    this.tick();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.calloff?.();
    await this.busy;
    const term = this.decider?.term;
    await this.stepDown(this.deposed ? 'lost' : 'resigned');
    this.offActive();
    if (term !== undefined) await this.o.terms.resign(term).catch(() => undefined);
  }

  private tick(): void {
    this.busy = this.step()
      .catch((error: unknown) => this.o.log.warn({ err: error }, 'Could not campaign or renew; trying again'))
      .finally(() => {
        if (!this.stopped) this.calloff = this.clock.schedule(this.o.ttlMs / 3, () => this.tick());
      });
  }

  private async step(): Promise<void> {
    if (this.deposed) await this.stepDown('lost');
    if (this.decider) return this.renew(this.decider);
    const campaignedAt = this.clock.monotonic();
    const won = await this.o.terms.campaign(this.o.holder);
    if (!won) return;
    if (this.stopped) return this.o.terms.resign(won.term);
    this.renewedAt = campaignedAt;
    const decider = this.o.build(won.term, () => {
      this.deposed = true;
    });
    // Reading a large ledger takes longer than a term lives without renewal.
    const renew = (): void => void this.renewed(won.term).catch(() => undefined);
    const stopRenewing = repeat(this.clock, this.o.ttlMs / 3, renew);
    try {
      await decider.start();
      this.decider = decider;
      count('termsBegun', {});
    } catch (error) {
      count('termsEnded', { how: 'failed' });
      await decider.stop();
      // Another replica may be able to; we try again after the pause that every campaign takes.
      await this.o.terms.resign(won.term).catch(() => undefined);
      throw error;
    } finally {
      stopRenewing();
    }
  }

  private async renew(decider: Decider): Promise<void> {
    if (await this.renewed(decider.term)) return;
    this.o.log.warn({ term: decider.term }, 'The term is over; standing by');
    await this.stepDown('lost');
  }

  private async renewed(term: number): Promise<boolean> {
    const askedAt = this.clock.monotonic();
    const holds = await this.o.terms.renew(term);
    if (holds) this.renewedAt = askedAt;
    return holds;
  }

  private async stepDown(how: 'resigned' | 'lost'): Promise<void> {
    const decider = this.decider;
    if (decider) count('termsEnded', { how });
    this.decider = null;
    this.deposed = false;
    await decider?.stop();
  }
}
