import {
  admit,
  decide,
  toIso,
  type AbortHint,
  type Decision,
  type Expressions,
  type Fleet,
  type LimitsInput,
  type LimitsReply,
  type PlanEvent,
  type PlanInput,
  type PlanReply,
  type PlanState,
  type Reason,
  type PoolSlots,
} from '#domain';
import { LedgerUnavailableError, TermLostError, type Append, type Head, type Ledger } from '#ledger';
import { count, measure, secondsSince, type Logger } from '#telemetry';
import { TurnSpans } from '../measuring/turn-spans.ts';
import type { Clock } from './clock.ts';
import {
  DeciderBusyError,
  DecisionFailedError,
  LedgerDownError,
  NotDeciderError,
  PlanUnreadableError,
} from './errors.ts';
import type { FleetLimits } from './fleet-limits.ts';
import type { OpenPlans } from './open-plans.ts';

/** What was committed for one plan, handed to the effects. */
export interface Committed {
  plan: PlanState;
  events: PlanEvent[];
  aborts: AbortHint[];
}

export interface DecisionLoopOptions {
  term: number;
  ledger: Ledger;
  plans: OpenPlans;
  fleet: Fleet;
  limits: FleetLimits;
  slots: () => PoolSlots;
  /** The language of conditions and run-time fan-outs. */
  expressions?: Expressions;
  clock: Clock;
  log: Logger;
  /** Synchronous: it may build messages from the states, and must not wait. What it throws is only logged. */
  onCommitted: (committed: Committed[]) => void;
  /** Called once, when another replica has taken over. */
  onDeposed: () => void;
  /** Inputs that may wait before senders are told to come back (default 20,000). */
  maxWaiting?: number;
  /** Inputs decided with one commit (default 512). */
  maxBatch?: number;
}

interface Waiting {
  planId: string;
  input: PlanInput;
  traceparent: string | null;
  /** What it was submitted for is over by now. */
  isOver: () => boolean;
  tries: number;
  /** Taken into a turn and neither answered nor put back. */
  taken: boolean;
  resolve: (reply: PlanReply) => void;
  reject: (error: Error) => void;
}

/** A plan within one turn: where it stood before, and what has been decided for it since. */
interface Touched {
  plan: PlanState;
  before: Head;
  events: PlanEvent[];
  aborts: AbortHint[];
  /** By event: of the message that caused it. */
  traceparents: (string | null)[];
  /** Of the last message: what is admitted then follows from it. */
  traceparent: string | null;
  answers: { waiting: Waiting; decision: Decision }[];
}

const MAX_TRIES = 20;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;

/**
 * The one place where plans move. A turn takes all inputs that came while the last commit was under way, decides
 * them one after the other, admits what follows, and appends everything with one commit (group commit). Only then
 * are the senders answered and the effects started. Limits of the fleet change first, with a commit of their own: nothing
 * is ever admitted by a limit that may turn out not to be recorded. When the commit fails, the states that were decided upon are
 * thrown away, read again, and the same inputs are decided anew: an input is never answered on hope.
 */
export class DecisionLoop {
  private queue: Waiting[] = [];
  private wanted = false;
  private stopped = false;
  private wake: () => void = () => undefined;
  private failures = 0;
  private running: Promise<void> | null = null;
  /** The plans of the turn that is under way. */
  private touched = new Map<string, Touched>();
  /** Of the turn that is under way; null: there was nothing to append. */
  private lastAppend: { appends: Append[]; startedAt: number; endedAt: number } | null = null;
  private readonly spans = new TurnSpans();
  /** One instant for the whole turn: what is decided with is what is recorded. */
  private now = 0;

  constructor(private readonly o: DecisionLoopOptions) {}

  start(): void {
    this.running ??= this.run();
  }

  /**
   * Decides one input; the promise settles after the commit. `isOver` is asked when its turn has come: whether what it was
   * submitted for is not so any more.
   */
  submit(
    planId: string,
    input: PlanInput,
    traceparent: string | null,
    isOver: () => boolean = () => false,
  ): Promise<PlanReply> {
    if (this.stopped) return Promise.reject(new NotDeciderError());
    if (this.queue.length >= (this.o.maxWaiting ?? 20_000)) {
      return Promise.reject(new DeciderBusyError(this.queue.length));
    }
    return new Promise((resolve, reject) => {
      this.queue.push({ planId, input, traceparent, isOver, tries: 0, taken: false, resolve, reject });
      this.wake();
    });
  }

  /** Changes limits of the whole fleet; the promise settles after the commit. */
  changeLimits(input: LimitsInput, traceparent: string | null): Promise<LimitsReply> {
    const reply = this.o.limits.submit(input, traceparent);
    this.wake();
    return reply;
  }

  /** Looks for steps to admit: capacity or time may have made some possible. */
  admitSoon(): void {
    this.wanted = true;
    this.wake();
  }

  /** Whether the plan's state holds what is not committed yet, so that nobody may be told of it. */
  isUncommitted(planId: string): boolean {
    return (this.touched.get(planId)?.events.length ?? 0) > 0;
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** Ends after the turn that is under way; whoever still waits is told that nobody decides here. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.running;
    for (const waiting of this.queue.splice(0)) waiting.reject(new NotDeciderError());
    this.o.limits.stop();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      if (this.isIdle) await this.sleep();
      if (this.stopped) return;
      this.wanted = false;
      const batch = this.queue.splice(0, this.o.maxBatch ?? 512);
      const startedAt = performance.now();
      try {
        await this.turn(batch);
        this.measureTurn(startedAt, batch.length);
        this.failures = 0;
      } catch (error) {
        await this.recoverFrom(error, batch);
      }
    }
  }

  private get isIdle(): boolean {
    const { plans, limits } = this.o;
    return this.queue.length === 0 && !this.wanted && !plans.mustReload && !limits.isPending;
  }

  private measureTurn(startedAt: number, inputs: number): void {
    measure('turnDuration', secondsSince(startedAt), {});
    if (inputs > 0) measure('turnInputs', inputs, {});
    const { term } = this.o;
    const commit = this.lastAppend;
    if (commit) this.spans.record({ term, startedAt, endedAt: performance.now(), inputs, commit });
  }

  private sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private async turn(batch: Waiting[]): Promise<void> {
    this.touched = new Map();
    this.now = this.o.clock.now();
    for (const waiting of batch) waiting.taken = true;
    await this.o.plans.reload();
    if (this.o.limits.isPending) await this.o.limits.settle(this.now);
    for (const waiting of batch) await this.decideOne(waiting);
    // A plan that failed in this turn is missing from the counts that admission goes by.
    if (this.o.plans.mustReload) await this.o.plans.reload();
    for (const { plan } of this.touched.values()) if (plan.submitted) this.o.fleet.update(plan);
    this.admitReady();
    await this.commit([...this.touched.values()]);
  }

  private async decideOne(waiting: Waiting): Promise<void> {
    const { planId, input } = waiting;
    if (waiting.isOver()) return this.answer(waiting, { status: 'applied', next: 'stop' });
    const refusal = await this.overQuota(waiting);
    if (refusal) {
      this.answer(waiting, { status: 'refused', code: refusal.code, reason: refusal.message });
      return;
    }
    const plan = await this.planFor(waiting).catch((error: unknown) => {
      if (!(error instanceof PlanUnreadableError)) throw error;
      this.fail(waiting, new DecisionFailedError(planId, error));
      return undefined;
    });
    if (plan === undefined) return;
    if (!plan) {
      this.answer(waiting, { status: 'refused', code: 'plan-unknown', reason: `there is no plan ${planId}` });
      return;
    }
    const entry = this.touch(plan);
    try {
      const decision = decide(plan, input, this.now, this.o.expressions);
      record(entry, decision.events, waiting.traceparent);
      entry.aborts.push(...decision.aborts);
      entry.answers.push({ waiting, decision });
      // The next one that is submitted in this turn finds it counted.
      if (input.kind === 'submit') this.o.fleet.update(plan);
    } catch (error) {
      this.quarantine(entry, waiting, error);
    }
  }

  /** Why a new plan is not taken. One that is sent again is there already. */
  private async overQuota({ planId, input }: Waiting): Promise<Reason | null> {
    if (input.kind !== 'submit') return null;
    const refusal = this.o.fleet.refusalOf(input.submission);
    if (!refusal || this.touched.has(planId) || this.o.plans.cached(planId)) return null;
    const known = await this.o.plans.get(planId).catch((error: unknown) => {
      if (error instanceof PlanUnreadableError) return 'unreadable';
      throw error;
    });
    return known ? null : refusal;
  }

  private async planFor({ planId, input, tries }: Waiting): Promise<PlanState | null> {
    // One state for each plan in a turn: a closed one is not cached, and an earlier input may have read it.
    const known = this.touched.get(planId)?.plan ?? this.o.plans.cached(planId);
    if (known) return known;
    // A new plan is not looked up first: if the ledger has it, the append conflicts, and the second try reads it.
    if (input.kind === 'submit' && tries === 0) return this.o.plans.begin(planId);
    return (await this.o.plans.get(planId)) ?? (input.kind === 'submit' ? this.o.plans.begin(planId) : null);
  }

  private answer(waiting: Waiting, reply: PlanReply): void {
    waiting.taken = false;
    waiting.resolve(reply);
  }

  private fail(waiting: Waiting, error: Error): void {
    waiting.taken = false;
    waiting.reject(error);
  }

  /** A defect of ours: the half-evolved state goes, the others who asked about this plan are decided again. */
  private quarantine(entry: Touched, waiting: Waiting, error: unknown): void {
    count('decisionFailures', { stage: 'decision' });
    this.o.log.error({ err: error, planId: waiting.planId, input: waiting.input.kind }, 'A decision failed');
    this.touched.delete(waiting.planId);
    this.o.plans.discard(waiting.planId);
    this.fail(waiting, new DecisionFailedError(waiting.planId, error));
    this.again(entry.answers.map((answer) => answer.waiting));
  }

  private admitReady(): void {
    const now = this.now;
    this.o.fleet.admit(now, this.o.slots(), (plan, ordinal) => {
      const entry = this.touch(plan);
      record(entry, admit(plan, ordinal, now), entry.traceparent);
    });
  }

  private async commit(entries: Touched[]): Promise<void> {
    const appends = entries.filter((entry) => entry.events.length > 0).map((entry) => this.append(entry));
    const startedAt = performance.now();
    const results = appends.length > 0 ? await this.o.ledger.appendAll(this.o.term, appends) : [];
    this.lastAppend = appends.length > 0 ? { appends, startedAt, endedAt: performance.now() } : null;
    this.touched = new Map();
    const resultOf = new Map(results.map((result) => [result.planId, result]));
    const committed: Committed[] = [];
    for (const entry of entries) {
      const result = resultOf.get(entry.plan.planId);
      if (result?.status === 'conflict') {
        this.o.log.warn(
          { planId: entry.plan.planId, expected: entry.before.seq, actual: result.actual.seq },
          'Conflict',
        );
        this.o.plans.discard(entry.plan.planId);
        this.again(entry.answers.map((answer) => answer.waiting));
        continue;
      }
      if (result) {
        entry.plan.hash = result.head.hash;
        committed.push(entry);
      }
    }
    this.startEffects(committed);
    for (const entry of entries) {
      if (resultOf.get(entry.plan.planId)?.status === 'conflict') continue;
      for (const { waiting, decision } of entry.answers) this.answer(waiting, decision.reply);
      this.o.plans.settle(entry.plan);
    }
  }

  /** What is committed is answered, whatever becomes of its effects. */
  private startEffects(committed: Committed[]): void {
    try {
      this.o.onCommitted(committed);
    } catch (error) {
      count('decisionFailures', { stage: 'effects' });
      this.o.log.error({ err: error, alert: 'effects-failed' }, 'What follows from a commit was not started');
    }
  }

  private append(entry: Touched): Append {
    return {
      planId: entry.plan.planId,
      expected: entry.before,
      at: toIso(this.now),
      traceparent: entry.traceparent,
      traceparents: entry.traceparents,
      events: entry.events,
    };
  }

  private async recoverFrom(error: unknown, batch: Waiting[]): Promise<void> {
    if (error instanceof TermLostError) {
      this.stopped = true;
      for (const waiting of batch) this.fail(waiting, new NotDeciderError(error));
      this.o.onDeposed();
      return;
    }
    if (!(error instanceof LedgerUnavailableError)) {
      count('decisionFailures', { stage: 'turn' });
      this.o.log.error({ err: error }, 'A turn of the decider failed');
    } else if (this.failures === 0) {
      this.o.log.warn({ err: error }, 'The ledger cannot be reached; decisions wait');
    }
    // Nothing of this turn may be believed: not what was decided, not what was admitted along with it.
    for (const planId of this.touched.keys()) this.o.plans.discard(planId);
    this.touched = new Map();
    this.again(batch, error);
    this.failures += 1;
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.failures);
    await new Promise<void>((resolve) => this.o.clock.schedule(waitMs, resolve));
  }

  private again(waitings: Waiting[], cause?: unknown): void {
    const retry: Waiting[] = [];
    for (const waiting of waitings) {
      if (!waiting.taken) continue;
      waiting.taken = false;
      waiting.tries += 1;
      if (waiting.tries < MAX_TRIES) retry.push(waiting);
      else this.fail(waiting, new LedgerDownError(cause));
    }
    this.queue.unshift(...retry);
  }

  private touch(plan: PlanState): Touched {
    let entry = this.touched.get(plan.planId);
    if (!entry) {
      const before = { seq: plan.seq, hash: plan.hash };
      entry = { plan, before, events: [], aborts: [], traceparents: [], traceparent: null, answers: [] };
      this.touched.set(plan.planId, entry);
    }
    if (entry.plan !== plan) throw new Error(`plan ${plan.planId} has two states in one turn`);
    return entry;
  }
}

function record(entry: Touched, events: PlanEvent[], traceparent: string | null): void {
  for (const event of events) {
    entry.events.push(event);
    entry.traceparents.push(traceparent);
  }
  if (events.length > 0) entry.traceparent = traceparent;
}
