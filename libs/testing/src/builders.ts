import type { IntegrateDefinition, PlanDefinition, StepDefinition } from '#domain';

const TIMEOUT = { attemptMs: 60_000, idleMs: 30_000 };

/** A step that does nothing, once, in the pool `default`; say what matters to the test. */
export function aStep(change: Partial<StepDefinition> = {}): StepDefinition {
  return {
    name: 'step',
    needs: [],
    when: null,
    pool: 'default',
    priority: 0,
    locks: [],
    with: {},
    attempts: 1,
    timeout: TIMEOUT,
    paths: { write: null, protect: [] },
    setup: [],
    verify: [],
    env: {},
    network: false,
    outputs: [],
    matrix: null,
    work: { kind: 'noop' },
    ...change,
  };
}

/** A plan of one step, without a repository; say what matters to the test. */
export function aPlan(change: Partial<PlanDefinition> = {}): PlanDefinition {
  return {
    version: 1,
    name: 'plan',
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
    steps: [aStep()],
    ...change,
  };
}

/** An integration that verifies nothing, onto the branch that is named after the plan. */
export function anIntegration(change: Partial<IntegrateDefinition> = {}): IntegrateDefinition {
  return {
    branch: null,
    setup: [],
    verify: [],
    env: {},
    network: false,
    timeout: TIMEOUT,
    pool: 'default',
    ...change,
  };
}
