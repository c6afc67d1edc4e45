import type {
  Append,
  AppendResult,
  CurrentTerm,
  Head,
  Ledger,
  StoredEvent,
  TailCursor,
  Terms,
} from '#ledger';
import type { Process } from '../core/process.ts';
import type { Postgres } from './postgres.ts';

const READ = { lostAs: 'nothing-written' } as const;
const WRITE = { lostAs: 'unknown' } as const;

/** One replica's way to the ledger. */
export class LedgerClient implements Ledger {
  constructor(
    private readonly postgres: Postgres,
    private readonly process: Process,
  ) {}

  appendAll(term: number, appends: Append[]): Promise<AppendResult[]> {
    return this.postgres.append(this.process, term, appends);
  }

  read(planId: string, afterSeq: number, limit: number): Promise<StoredEvent[]> {
    return this.postgres.call(this.process, () => this.postgres.ledger.read(planId, afterSeq, limit), READ);
  }

  head(planId: string): Promise<Head> {
    return this.postgres.call(this.process, () => this.postgres.ledger.head(planId), READ);
  }

  openPlans(): Promise<string[]> {
    return this.postgres.call(this.process, () => this.postgres.ledger.openPlans(), READ);
  }

  tail(after: TailCursor, limit: number): Promise<{ events: StoredEvent[]; cursor: TailCursor }> {
    return this.postgres.call(this.process, () => this.postgres.ledger.tail(after, limit), READ);
  }
}

/** One replica's way to the terms. An answer that is lost tells nothing of what was done. */
export class TermsClient implements Terms {
  constructor(
    private readonly postgres: Postgres,
    private readonly process: Process,
  ) {}

  campaign(holder: string): Promise<{ term: number } | null> {
    return this.postgres.call(this.process, () => this.postgres.campaign(holder), WRITE);
  }

  renew(term: number): Promise<boolean> {
    return this.postgres.call(this.process, () => this.postgres.terms.renew(term), WRITE);
  }

  resign(term: number): Promise<void> {
    return this.postgres.call(this.process, () => this.postgres.terms.resign(term), WRITE);
  }

  current(): Promise<CurrentTerm> {
    return this.postgres.call(this.process, () => this.postgres.terms.current(), READ);
  }
}
