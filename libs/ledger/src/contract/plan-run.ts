import {
  admit,
  decide,
  initialPlanState,
  type LeaseClaim,
  type PlanDefinition,
  type PlanEvent,
  type PlanInput,
  type PlanState,
  type StepDefinition,
  type StepState,
} from '#domain';

/** A plan driven by chance through everything that can happen to it, by the domain's own decisions. */
export class PlanRun {
  readonly state: PlanState;
  nowMs = Date.parse('2026-11-20T12:00:00.000Z');

  constructor(
    readonly planId: string,
    private readonly definition: PlanDefinition,
    private readonly random: () => number,
  ) {
    this.state = initialPlanState(planId);
  }

  submit(): PlanEvent[] {
    return this.input({
      kind: 'submit',
      submission: {
        tenant: 'default',
        definition: this.definition,
        digest: 'd'.repeat(64),
        idempotencyKey: this.planId,
        by: { name: 'somebody', via: 'rest' },
        traceparent: null,
      },
    });
  }

  cancel(): PlanEvent[] {
    return this.input({ kind: 'cancel', by: { name: 'somebody', via: 'cli' }, why: 'enough' });
  }

  /** One random thing happens; empty when the plan is closed. */
  turn(): PlanEvent[] {
    this.nowMs += 10_000;
    const live = this.state.steps.filter(({ status }) => ['ready', 'admitted', 'leased'].includes(status));
    const step = live[Math.floor(this.random() * live.length)];
    if (!step) return [];
    if (step.status === 'ready') return admit(this.state, step.instance.ordinal, this.nowMs);
    return this.input(this.somethingFor(step));
  }

  private input(input: PlanInput): PlanEvent[] {
    return decide(this.state, input, this.nowMs).events;
  }

  private somethingFor(step: StepState): PlanInput {
    const { ordinal } = step.instance;
    const lease: LeaseClaim = {
      ordinal,
      epoch: step.epoch,
      worker: step.holder?.worker ?? `w${Math.floor(this.random() * 3)}`,
      tokenDigest: step.holder?.tokenDigest ?? 't'.repeat(64),
    };
    const reason = { code: 'by-chance', message: 'by chance' };
    const chance = this.random();
    if (chance < 0.3) return { kind: 'claim', lease };
    if (chance < 0.4) return { kind: 'release', lease, cause: 'draining', reason, jitter: 0 };
    if (chance < 0.5)
      return { kind: 'lease-expired', ordinal, epoch: step.epoch, counts: true, reason, jitter: 0 };
    if (chance < 0.55) return { kind: 'blocked', lease, reason };
    return step.instance.definition === null || step.instance.kind === 'noop'
      ? this.passed(lease, step)
      : this.attempted(lease, step, chance < 0.75);
  }

  private passed(lease: LeaseClaim, step: StepState): PlanInput {
    const isResolve = step.instance.kind === 'resolve';
    const commit = { sha: 'c'.repeat(40), ref: 'refs/skein/p/s9/1-aa/merge' };
    const candidate = {
      branch: 'skein/b',
      commit,
      expectedOld: null,
      baseSha: 'b'.repeat(40),
      diffstat: null,
    };
    return {
      kind: 'passed',
      lease,
      commit: null,
      outputs: {},
      resolved: isResolve ? { baseSha: 'b'.repeat(40), files: {}, texts: {} } : null,
      candidate: step.instance.kind === 'integrate' ? candidate : null,
    };
  }

  private attempted(lease: LeaseClaim, step: StepState, rejected: boolean): PlanInput {
    return {
      kind: 'attempt',
      lease,
      attempt: {
        attempt: step.attemptsUsed + 1,
        startedAt: new Date(this.nowMs).toISOString(),
        durationMs: 10,
        verdict: rejected ? 'rejected' : 'accepted',
        reason: { code: 'said', message: 'said so' },
        commit: { sha: 'a'.repeat(40), ref: 'refs/skein/p/s1/1-aa/1' },
        feedback: rejected ? 'it failed' : null,
        diffstat: null,
        logKey: null,
        diffKey: null,
        traceparent: null,
      },
      outputs: rejected ? {} : { found: 1 },
    };
  }
}

/** Chance that can be repeated (mulberry32). */
export function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function aStepDefinition(name: string, o: Partial<StepDefinition> = {}): StepDefinition {
  return {
    name,
    needs: [],
    when: null,
    pool: 'default',
    priority: 0,
    locks: [],
    with: {},
    attempts: 3,
    timeout: { attemptMs: 1_000, idleMs: 1_000 },
    paths: { write: null, protect: [] },
    setup: [],
    verify: [],
    env: {},
    network: false,
    outputs: [],
    matrix: null,
    work: { kind: 'noop' },
    ...o,
  };
}

export function aDefinition(steps: StepDefinition[], o: Partial<PlanDefinition> = {}): PlanDefinition {
  return {
    version: 1,
    name: 'a plan',
    labels: {},
    params: {},
    repo: null,
    priority: 0,
    deadline: null,
    locks: {},
    baseline: null,
    progress: null,
    maxParallel: null,
    maxLeases: 3,
    sandbox: 'auto',
    integrate: null,
    steps,
    ...o,
  };
}
