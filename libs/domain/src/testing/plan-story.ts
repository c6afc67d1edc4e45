import { aPlan as aPlanWith, aStep as aStepWith, anIntegration } from '#testing';
import type { ForkedFrom, PlanEvent } from '../ledger/events.ts';
import { admit, decide } from '../plan/decide.ts';
import type { PlanDefinition, StepDefinition } from '../plan/definition.ts';
import { evolve } from '../plan/evolve.ts';
import type { Expressions } from '../plan/expressions.ts';
import type { LeaseClaim, PlanInput, PlanReply } from '../plan/input.ts';
import { initialPlanState, stepOf, type PlanState } from '../plan/state.ts';
import { Fleet } from '../scheduling/fleet.ts';
import { toIso } from '../time.ts';

export const T0 = 1_800_000_000_000;
export const SLOTS = new Map([['default', 100]]);

export function aStep(
  name: string,
  needs: string[] = [],
  rest: Partial<StepDefinition> = {},
): StepDefinition {
  return aStepWith({ name, needs, attempts: 3, ...rest });
}

export function aPlan(steps: StepDefinition[], rest: Partial<PlanDefinition> = {}): PlanDefinition {
  return aPlanWith({ steps, ...rest });
}

export const REPO: Partial<PlanDefinition> = {
  repo: { url: '/repo', base: 'main' },
  integrate: anIntegration({ branch: 'team/change' }),
};

/** Drives one plan the way the decider does, and keeps everything that was recorded. */
export class PlanStory {
  readonly state: PlanState = initialPlanState('plan00000001');
  readonly events: PlanEvent[] = [];
  private readonly times: number[] = [];
  readonly fleet = new Fleet({ fleet: null, pools: {} });
  now = T0;

  constructor(
    definition: PlanDefinition,
    private readonly expressions?: Expressions,
    forkedFrom?: ForkedFrom,
  ) {
    this.tell({
      kind: 'submit',
      submission: {
        tenant: 'local',
        definition,
        digest: 'd1',
        idempotencyKey: 'k',
        by: { name: 'me', via: 'cli' },
        traceparent: null,
        ...(forkedFrom && { forkedFrom }),
      },
    });
  }

  tell(input: PlanInput): PlanReply {
    const decision = decide(this.state, input, this.now, this.expressions);
    this.keep(decision.events);
    this.fleet.update(this.state);
    return decision.reply;
  }

  admitAll(): string[] {
    const names: string[] = [];
    this.fleet.admit(this.now, SLOTS, (plan, ordinal) => {
      this.keep(admit(plan, ordinal, this.now));
      names.push(stepOf(plan, ordinal).instance.name);
    });
    return names;
  }

  lease(name: string, token = 'token-1', worker = 'w1'): LeaseClaim {
    const step = this.step(name);
    return { ordinal: step.instance.ordinal, epoch: step.epoch, worker, tokenDigest: token };
  }

  step(name: string) {
    const step = this.state.steps.find((candidate) => candidate.instance.name === name);
    if (!step) throw new Error(`no step ${name}`);
    return step;
  }

  claim(name: string, token?: string, worker?: string): PlanReply {
    return this.tell({ kind: 'claim', lease: this.lease(name, token, worker) });
  }

  pass(name: string, rest: Partial<Extract<PlanInput, { kind: 'passed' }>> = {}): PlanReply {
    const lease = this.lease(name);
    return this.tell({
      kind: 'passed',
      lease,
      commit: null,
      outputs: {},
      resolved: null,
      candidate: null,
      ...rest,
    });
  }

  attempt(name: string, n: number, verdict: 'accepted' | 'rejected', lease = this.lease(name)): PlanReply {
    return this.tell({
      kind: 'attempt',
      lease,
      outputs: {},
      attempt: {
        attempt: n,
        startedAt: toIso(this.now),
        durationMs: 5,
        verdict,
        reason: { code: verdict === 'accepted' ? 'verified' : 'verify-failed', message: 'npm test exited 1' },
        commit: { sha: 'a'.repeat(40), ref: `refs/skein/p/s1/1-t/${n}` },
        feedback: verdict === 'rejected' ? `feedback ${n}` : null,
        diffstat: null,
        logKey: null,
        diffKey: null,
        traceparent: null,
      },
    });
  }

  expire(name: string, counts = true): PlanReply {
    const { ordinal, epoch } = this.lease(name);
    const reason = { code: 'worker-silent', message: 'silent' };
    return this.tell({ kind: 'lease-expired', ordinal, epoch, counts, reason, jitter: 0.5 });
  }

  types(): string[] {
    return this.events.map((event) => event.type);
  }

  /** The same events, applied to nothing, make the same state: what a take-over relies on. */
  replayed(): PlanState {
    const state = initialPlanState(this.state.planId);
    this.events.forEach((event, index) => evolve(state, event, this.times[index]!));
    return state;
  }

  private keep(events: PlanEvent[]): void {
    this.events.push(...events);
    this.times.push(...events.map(() => this.now));
  }
}
