import type { PlanView, StepView } from '#client';

/** A plan as the server answers it; say what matters to the test. */
export function aPlanView(change: Partial<PlanView> = {}): PlanView {
  return {
    planId: 'plan0001',
    name: 'x',
    tenant: 'local',
    status: 'running',
    labels: {},
    params: {},
    priority: 0,
    submittedAt: '2026-11-20T12:00:00.000Z',
    endedAt: null,
    counts: noCounts(),
    baseSha: null,
    integration: null,
    reason: null,
    head: { seq: 1, hash: 'f'.repeat(64) },
    closed: false,
    ...change,
  };
}

export function noCounts(): PlanView['counts'] {
  return {
    waiting: 0,
    sleeping: 0,
    admitted: 0,
    running: 0,
    passed: 0,
    blocked: 0,
    poisoned: 0,
    cancelled: 0,
    skipped: 0,
  };
}

/** A step as the server lists it. */
export function aStepView(change: Partial<StepView> = {}): StepView {
  return {
    ordinal: 's1',
    name: 'step-1',
    kind: 'run',
    state: 'waiting',
    epoch: 0,
    attempts: 0,
    leasesLost: 0,
    notBefore: null,
    reason: null,
    worker: null,
    startedAt: null,
    endedAt: null,
    commit: null,
    outputs: {},
    needs: [],
    wait: null,
    ...change,
  };
}
