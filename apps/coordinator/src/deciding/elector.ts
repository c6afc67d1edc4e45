import type { Terms } from '#ledger';
import type { Logger } from '#telemetry';
import type { Decider } from './decider.ts';

export interface ElectorOptions {
  terms: Terms;
  holder: string;
  /** How long a term lives without renewal; renewed three times as often. */
  ttlMs: number;
  log: Logger;
  build: (term: number, onDeposed: () => void) => Decider;
}

/**
 * Standby until the decider falls silent, then decider for one term. Whether a term still holds is never judged here:
 * the ledger refuses the appends of a term that is over. This only keeps the time of silence short.
 */
export class Elector {
  private decider: Decider | null = null;
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;
  private busy: Promise<void> = Promise.resolve();
  private renewedAt = 0;
  private deposed = false;

  constructor(private readonly o: ElectorOptions) {}

  /** The decider, while this replica is it. */
  get current(): Decider | null {
    return this.deposed ? null : this.decider;
  }

  start(): void {
    this.tick();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    await this.busy;
    const term = this.decider?.term;
    await this.stepDown();
    if (term !== undefined) await this.o.terms.resign(term).catch(() => undefined);
  }

  private tick(): void {
    this.busy = this.step()
      .catch((error: unknown) => this.o.log.warn({ err: error }, 'Could not campaign or renew; trying again'))
      .finally(() => {
        if (!this.stopped) this.timer = setTimeout(() => this.tick(), this.o.ttlMs / 3);
      });
  }

  private async step(): Promise<void> {
    if (this.deposed) await this.stepDown();
    if (this.decider) return this.renew(this.decider);
    const won = await this.o.terms.campaign(this.o.holder);
    if (!won || this.stopped) return;
    this.renewedAt = performance.now();
    const decider = this.o.build(won.term, () => {
      this.deposed = true;
    });
    // Reading a large ledger takes longer than a term lives without renewal.
    const renewal = setInterval(
      () => void this.o.terms.renew(won.term).catch(() => undefined),
      this.o.ttlMs / 3,
    );
    try {
      await decider.start();
      this.decider = decider;
    } catch (error) {
      await decider.stop();
      throw error;
    } finally {
      clearInterval(renewal);
    }
  }

  private async renew(decider: Decider): Promise<void> {
    try {
      if (await this.o.terms.renew(decider.term)) {
        this.renewedAt = performance.now();
        return;
      }
    } catch (error) {
      // The ledger is away: as long as nobody else can know better, go on; appends wait by themselves.
      if (performance.now() - this.renewedAt < this.o.ttlMs) throw error;
    }
    this.o.log.warn({ term: decider.term }, 'The term is over; standing by');
    await this.stepDown();
  }

  private async stepDown(): Promise<void> {
    const decider = this.decider;
    this.decider = null;
    this.deposed = false;
    await decider?.stop();
  }
}
