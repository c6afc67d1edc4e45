import { FLEET_STREAM, type FleetCaps, type FleetEvent } from '#domain';
import { verifyChain, type Append, type AppendResult, type Ledger } from '#ledger';
import type { Process } from '../core/process.ts';
import type { Coverage } from '../reporting/coverage.ts';
import { Capacity } from './capacity.ts';
import { checkChain } from './chain-check.ts';
import { PlanRecord, type Surrounding } from './plan-record.ts';
import { LimitsRecord } from './limits-record.ts';
import type { StepRecord } from './step-record.ts';
import { Violation } from './violation.ts';

interface KnownHead {
  seq: number;
  hash: string;
}

/** Reads every commit as it happens, and holds it against everything that was committed before. */
export class LedgerOracle {
  readonly plans = new Map<string, PlanRecord>();
  /** Of the last commit (true ms). */
  lastCommitMs = 0;
  commits = 0;
  events = 0;
  private readonly heads = new Map<string, KnownHead>();
  /** All heads that plans have had: `plan/seq/hash`. */
  private readonly pastHeads = new Set<string>();
  private readonly appenders = new Map<number, Process>();
  private readonly capacity: Capacity;
  private readonly limits: LimitsRecord;
  /** By the commit that is being looked at. */
  private readonly admitted = new Set<StepRecord>();
  private readonly around: Surrounding = {
    moved: (from, to) => this.coverage.transition(from, to),
    plan: (planId) => this.plans.get(planId),
  };
  private term = 0;

  constructor(
    caps: FleetCaps,
    private readonly strictTime: boolean,
    private readonly coverage: Coverage,
  ) {
    this.limits = new LimitsRecord(caps);
    this.capacity = new Capacity(this.limits);
  }

  /** Of the fleet's own stream. */
  get fleetSeq(): number {
    return this.heads.get(FLEET_STREAM)?.seq ?? 0;
  }

  get openCount(): number {
    let open = 0;
    for (const plan of this.plans.values()) if (!plan.closed) open += 1;
    return open;
  }

  get openPlans(): PlanRecord[] {
    return [...this.plans.values()].filter(({ closed }) => !closed);
  }

  committed(by: Process, term: number, appends: Append[], results: AppendResult[], nowMs: number): void {
    this.checkTerm(by, term);
    this.commits += 1;
    this.lastCommitMs = nowMs;
    appends.forEach((append, index) => {
      const result = results[index];
      if (result?.status === 'appended') this.take(append, result.head);
    });
    this.capacity.check(this.plans.values(), this.admitted);
    this.admitted.clear();
  }

  hasHad(planId: string, { seq, hash }: KnownHead): boolean {
    return this.pastHeads.has(`${planId}/${seq}/${hash}`);
  }

  /** The whole chain of every plan, byte by byte: by what verifies it in the product, and anew. */
  async verify(ledger: Ledger): Promise<void> {
    for (const planId of this.heads.keys()) {
      const events = await ledger.read(planId, 0, 1_000_000);
      checkChain(planId, events, this.heads.get(planId) as KnownHead);
      const verified = verifyChain(planId, events);
      if (!verified.ok) throw new Violation('chain-is-intact', verified.message, planId);
    }
  }

  /** Of all chains: two runs that are the same have the same. */
  get digest(): string {
    return [...this.heads].map(([planId, { hash }]) => `${planId}:${hash.slice(0, 8)}`).join(' ');
  }

  private checkTerm(by: Process, term: number): void {
    if (term < this.term)
      throw new Violation(
        'one-decider-appends',
        `${by.name} appended for term ${term} after term ${this.term} had begun`,
      );
    const appender = this.appenders.get(term) ?? by;
    if (appender !== by)
      throw new Violation(
        'one-decider-appends',
        `${by.name} appended for term ${term}, which is of ${appender.name}`,
      );
    this.appenders.set(term, by);
    this.term = term;
  }

  private take({ planId, expected, at, events }: Append, head: KnownHead): void {
    const known = this.heads.get(planId) ?? { seq: 0, hash: '0'.repeat(64) };
    if (
      known.seq !== expected.seq ||
      known.hash !== expected.hash ||
      head.seq !== expected.seq + events.length
    )
      throw new Violation(
        'chain-is-intact',
        `plan ${planId}: an append after seq ${expected.seq}, the head was ${known.seq}`,
        planId,
      );
    this.heads.set(planId, head);
    this.pastHeads.add(`${planId}/${head.seq}/${head.hash}`);
    for (const { type } of events) this.coverage.event(type);
    this.events += events.length;
    if (planId === FLEET_STREAM) return this.changeLimits(events as unknown as FleetEvent[]);
    let plan = this.plans.get(planId);
    if (!plan) {
      plan = new PlanRecord(planId, this.lastCommitMs, this.strictTime, this.around);
      this.plans.set(planId, plan);
    }
    plan.append(events, Date.parse(at));
    for (const event of events)
      if (event.type === 'step.admitted') this.admitted.add(plan.steps[event.data.ordinal] as StepRecord);
  }

  private changeLimits(events: readonly FleetEvent[]): void {
    for (const { data } of events) this.limits.change(data);
  }
}
