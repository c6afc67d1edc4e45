import { EVENT_VERSION } from '#domain';
import { TERM_TTL_MS, type CurrentTerm, type Terms } from '../terms.ts';

/** The twin of PostgresTerms for tests: same contract, a clock that can be given. */
export class InMemoryTerms implements Terms {
  private term = 0;
  private holder = '';
  private renewedAtMs = 0;
  private resigned = true;
  private readonly ttlMs: number;
  private readonly now: () => number;

  constructor(o: { ttlMs?: number; now?: () => number } = {}) {
    this.ttlMs = o.ttlMs ?? TERM_TTL_MS;
    this.now = o.now ?? Date.now;
  }

  async campaign(holder: string): Promise<{ term: number } | null> {
    if (this.isFresh()) return null;
    this.term += 1;
    this.holder = holder;
    this.resigned = false;
    this.renewedAtMs = this.now();
    return { term: this.term };
  }

  async renew(term: number): Promise<boolean> {
    if (term !== this.term || this.resigned) return false;
    this.renewedAtMs = this.now();
    return true;
  }

  async resign(term: number): Promise<void> {
    if (term === this.term) this.resigned = true;
  }

  async current(): Promise<CurrentTerm> {
    const eventVersion = this.term === 0 ? 1 : EVENT_VERSION;
    return { term: this.term, holder: this.holder, fresh: this.isFresh(), eventVersion };
  }

  currentTerm(): number {
    return this.term;
  }

  /** For InMemoryLedger, which must check the term in the same turn as it writes. */
  mayAppend(term: number): boolean {
    return term === this.term && !this.resigned;
  }

  private isFresh(): boolean {
    return !this.resigned && this.now() - this.renewedAtMs <= this.ttlMs;
  }
}
