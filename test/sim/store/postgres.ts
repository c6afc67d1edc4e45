import {
  InMemoryLedger,
  InMemoryTerms,
  LedgerUnavailableError,
  type Append,
  type AppendResult,
} from '#ledger';
import type { Chance } from '../core/chance.ts';
import type { Process } from '../core/process.ts';
import type { World } from '../core/world.ts';

/** What may go wrong with the next calls. Shares of calls, 0 to 1. */
export interface StoreTrouble {
  /** Refused before anything was written. */
  refused: number;
  /** The answer to a commit is lost, and it came through. */
  unknownWritten: number;
  /** The connection broke before the commit came through, and nobody can tell. */
  unknownUnwritten: number;
  /** The connection broke, and the commit comes through later: whoever wants to know, or to take over, waits for it. */
  unknownLate: number;
  /** Takes up to five seconds, before the commit or after it. */
  slow: number;
}

export const NO_TROUBLE: StoreTrouble = {
  refused: 0,
  unknownWritten: 0,
  unknownUnwritten: 0,
  unknownLate: 0,
  slow: 0,
};

/** Sees every commit, at the instant at which it happens. */
export type CommitListener = (by: Process, term: number, appends: Append[], results: AppendResult[]) => void;

const OK_MS = { low: 0.3, high: 4 };
const SLOW_MS = 3_000;
const LATE_MS = 2_000;
/** After a failed call a replica needs a while until it has read everything again. */
const RECOVERED_MS = 12_000;
/** What the client waits for a server that does not answer. */
const TIMEOUT_MS = 4_000;

/** The twin of the ledger behind a network: a call reaches it, happens at one instant, and its answer comes back. */
export class Postgres {
  readonly terms: InMemoryTerms;
  readonly ledger: InMemoryLedger;
  trouble: StoreTrouble = NO_TROUBLE;
  isUp = true;
  /** A commit that nobody waits for any more comes through then. */
  private landsMs = 0;
  private readonly cutOff = new Set<Process>();
  private readonly listeners: CommitListener[] = [];
  private readonly underWay = new Map<Process, Map<string, number>>();
  private readonly failedMs = new Map<Process, number>();
  private readonly begunMs = new Map<number, number>();

  constructor(
    readonly world: World,
    readonly chance: Chance,
    ttlMs: number,
    private readonly counted: (fault: string) => void,
  ) {
    this.terms = new InMemoryTerms({ ttlMs, now: () => world.nowMs });
    this.ledger = new InMemoryLedger({ terms: this.terms });
  }

  listen(listener: CommitListener): void {
    this.listeners.push(listener);
  }

  /** When the term began (true ms). */
  termBeganMs(term: number): number {
    return this.begunMs.get(term) ?? 0;
  }

  async campaign(holder: string): Promise<{ term: number } | null> {
    const won = await this.terms.campaign(holder);
    if (won) this.begunMs.set(won.term, this.world.nowMs);
    return won;
  }

  setCut(process: Process, cut: boolean): void {
    if (cut) this.cutOff.add(process);
    else this.cutOff.delete(process);
  }

  /**
   * The process knows what the ledger has of the plan: its term is the ledger's, none of its calls failed lately, and
   * none of its appends to the plan is under way.
   */
  isUpToDate(process: Process, term: number, planId: string): boolean {
    if (this.terms.currentTerm() !== term || this.underWay.get(process)?.get(planId)) return false;
    return this.world.nowMs - (this.failedMs.get(process) ?? -Infinity) > RECOVERED_MS;
  }

  /** An append: its commit may come through without anybody hearing of it. */
  append(by: Process, term: number, appends: Append[]): Promise<AppendResult[]> {
    const kind = this.troubleOf();
    if (kind !== null) this.counted(`commit-${kind}`);
    if (kind === 'refused') return this.fail(by, 'nothing-written');
    const commit = async (): Promise<AppendResult[]> => {
      if (kind === 'unknownUnwritten') throw broken('unknown');
      const results = await this.ledger.appendAll(term, appends);
      for (const listener of this.listeners) listener(by, term, appends, results);
      // What it had in mind is read again before it is believed.
      if (results.some(({ status }) => status === 'conflict')) this.noteFailure(by);
      if (kind === 'unknownWritten' || kind === 'unknownLate') throw broken('unknown');
      return results;
    };
    if (kind === 'unknownLate') return this.commitLate(by, commit);
    this.countUnderWay(by, appends, 1);
    const called = this.call(by, commit, { lostAs: 'unknown', slow: kind === 'slow', isAppend: true });
    const end = (): void => this.countUnderWay(by, appends, -1);
    called.then(end, end);
    return called;
  }

  /** It holds the lock of the term meanwhile, so that neither this process nor a campaign gets past it. */
  private commitLate(by: Process, commit: () => Promise<unknown>): Promise<never> {
    const landsMs = this.world.nowMs + this.chance.between(0, LATE_MS);
    this.landsMs = Math.max(this.landsMs, landsMs);
    this.world.at(landsMs, () => void commit().catch(() => undefined));
    return this.fail(by, 'unknown');
  }

  /** Anything that writes no events. `lostAs`: what its caller is told when the answer is lost. */
  call<T>(
    by: Process,
    work: () => Promise<T>,
    o: { lostAs: LedgerUnavailableError['outcome']; slow?: boolean; isAppend?: boolean },
  ): Promise<T> {
    if (this.chance.bool(o.isAppend ? 0 : this.trouble.refused)) {
      this.counted('call-refused');
      return this.fail(by, o.lostAs);
    }
    const unheard = this.chance.bool(o.isAppend ? 0 : this.trouble.unknownWritten);
    if (unheard) this.noteFailure(by);
    const before = o.slow && this.chance.bool(0.5) ? this.chance.between(0, SLOW_MS) : 0;
    const after = o.slow && before === 0 ? this.chance.between(0, SLOW_MS) : 0;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.noteFailure(by);
        by.after(TIMEOUT_MS, () => {
          this.noteFailure(by);
          reject(broken(o.lostAs));
        });
      };
      const locked = Math.max(0, this.landsMs - this.world.nowMs);
      this.world.after(this.latencyMs() + before + locked, () => {
        if (!this.reaches(by)) return giveUp();
        const answer = (settle: () => void): void => {
          by.after(this.latencyMs() + after, () => (this.reaches(by) ? settle() : giveUp()));
        };
        work().then(
          (value) => answer(() => (unheard ? reject(broken(o.lostAs)) : resolve(value))),
          (error: unknown) => {
            this.noteFailure(by);
            answer(() => reject(error instanceof Error ? error : broken(o.lostAs)));
          },
        );
      });
    });
  }

  private countUnderWay(by: Process, appends: Append[], change: 1 | -1): void {
    const plans = this.underWay.get(by) ?? new Map<string, number>();
    this.underWay.set(by, plans);
    for (const { planId } of appends) plans.set(planId, (plans.get(planId) ?? 0) + change);
  }

  private noteFailure(by: Process): void {
    this.failedMs.set(by, this.world.nowMs);
  }

  private reaches(by: Process): boolean {
    return this.isUp && !this.cutOff.has(by);
  }

  private latencyMs(): number {
    return this.chance.between(OK_MS.low, OK_MS.high);
  }

  private fail(by: Process, outcome: LedgerUnavailableError['outcome']): Promise<never> {
    this.noteFailure(by);
    return new Promise((_resolve, reject) => by.after(this.latencyMs(), () => reject(broken(outcome))));
  }

  private troubleOf(): keyof StoreTrouble | null {
    let drawn = this.chance.next();
    for (const [kind, share] of Object.entries(this.trouble) as [keyof StoreTrouble, number][]) {
      if (drawn < share) return kind;
      drawn -= share;
    }
    return null;
  }
}

function broken(outcome: LedgerUnavailableError['outcome']): LedgerUnavailableError {
  return new LedgerUnavailableError(outcome, new Error('the connection broke'));
}
