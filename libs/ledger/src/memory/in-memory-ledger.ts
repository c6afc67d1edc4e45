import { chainAppends, EMPTY_HEAD, parseBody, type ChainedEvent } from '../chain/event-body.ts';
import { compareCursors } from '../cursor.ts';
import { LedgerUnavailableError, TermLostError } from '../errors.ts';
import type { Append, AppendResult, Head, Ledger, LedgerEvent, StoredEvent, TailCursor } from '../ledger.ts';
import { InMemoryTerms } from './in-memory-terms.ts';

type Row = Omit<StoredEvent, 'event'>;

/** The twin of PostgresLedger for tests. It passes the same contract suite; one call is one transaction. */
export class InMemoryLedger implements Ledger {
  readonly terms: InMemoryTerms;
  private readonly rows: Row[] = [];
  private readonly streams = new Map<string, Row[]>();
  private readonly open = new Set<string>();
  private txs = 0n;
  private fault: { outcome: LedgerUnavailableError['outcome']; written: boolean } | null = null;

  constructor(o: { terms?: InMemoryTerms } = {}) {
    this.terms = o.terms ?? new InMemoryTerms();
  }

  async appendAll(term: number, appends: Append<LedgerEvent>[]): Promise<AppendResult[]> {
    const chained = chainAppends(appends);
    const fault = this.takeFault();
    if (fault && !fault.written)
      throw new LedgerUnavailableError(fault.outcome, new Error('as the test asked'));
    if (!this.terms.mayAppend(term)) throw new TermLostError(term, this.terms.currentTerm());
    this.txs += 1n;
    const results = appends.map((append, i) => this.appendOne(append, chained[i] ?? []));
    if (fault) throw new LedgerUnavailableError(fault.outcome, new Error('as the test asked'));
    return results;
  }

  /** The next append fails; `written` (with `unknown` only): it was committed all the same. */
  failNextAppend(fault: { outcome: 'nothing-written' } | { outcome: 'unknown'; written: boolean }): void {
    this.fault = { written: false, ...fault };
  }

  async read(planId: string, afterSeq: number, limit: number): Promise<StoredEvent[]> {
    return (this.streams.get(planId) ?? []).slice(afterSeq, afterSeq + limit).map(toStoredEvent);
  }

  async head(planId: string): Promise<Head> {
    return this.headOf(planId);
  }

  async openPlans(): Promise<string[]> {
    return [...this.open];
  }

  async tail(after: TailCursor, limit: number): Promise<{ events: StoredEvent[]; cursor: TailCursor }> {
    const first = this.firstAfter(after);
    const events = this.rows.slice(first, first + limit).map(toStoredEvent);
    const last = events.at(-1);
    return { events, cursor: last ? { tx: last.tx, position: last.position } : after };
  }

  private takeFault() {
    const fault = this.fault;
    this.fault = null;
    return fault;
  }

  private appendOne(append: Append<LedgerEvent>, events: ChainedEvent[]): AppendResult {
    const actual = this.headOf(append.planId);
    if (actual.seq !== append.expected.seq || actual.hash !== append.expected.hash) {
      return { planId: append.planId, status: 'conflict', actual };
    }
    const stream = this.streams.get(append.planId) ?? [];
    this.streams.set(append.planId, stream);
    for (const { event, ...parts } of events) {
      const row = { ...parts, position: BigInt(this.rows.length + 1), tx: this.txs.toString() };
      this.rows.push(row);
      stream.push(row);
      if (event.type === 'plan.submitted' || event.type === 'plan.reopened') this.open.add(append.planId);
      if (event.type === 'plan.closed') this.open.delete(append.planId);
    }
    return { planId: append.planId, status: 'appended', head: this.headOf(append.planId) };
  }

  private headOf(planId: string): Head {
    const last = this.streams.get(planId)?.at(-1);
    return last ? { seq: last.seq, hash: last.hash } : EMPTY_HEAD;
  }

  /** Rows are in cursor order, because one call is one transaction. */
  private firstAfter(after: TailCursor): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const row = this.rows[middle];
      if (row && compareCursors(row, after) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Parsed anew for every reader: nobody can change what another one reads. */
function toStoredEvent(row: Row): StoredEvent {
  return { ...row, event: parseBody(row.body).event };
}
