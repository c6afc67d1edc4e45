import type { StepDefinition } from '#domain';
import { PLAIN, type Behaviour, type PlannedPlan } from '../plans/planned-plan.ts';
import type { Scenario } from '../plans/scenario.ts';

/** Scenarios with a little less in them, the boldest first. */
export function* smaller(scenario: Scenario): Generator<Scenario> {
  for (const faults of without(scenario.faults)) yield { ...scenario, faults };
  for (const changes of without(scenario.changes)) yield { ...scenario, changes };
  for (const plans of without(scenario.plans)) if (plans.length > 0) yield { ...scenario, plans };
  for (const workers of without(scenario.workers)) if (workers.length > 0) yield { ...scenario, workers };
  for (const replicas of without(scenario.replicas)) if (replicas.length > 0) yield { ...scenario, replicas };
  yield* plainer(scenario);
  for (const [index, plan] of scenario.plans.entries()) {
    for (const less of smallerPlan(plan)) {
      const plans = [...scenario.plans];
      plans[index] = less;
      yield { ...scenario, plans };
    }
  }
}

/** Without halves, quarters, ... and at last without each single one. */
function* without<T>(items: readonly T[]): Generator<T[]> {
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < items.length; from += size)
      yield [...items.slice(0, from), ...items.slice(from + size)];
  }
}

function* plainer(scenario: Scenario): Generator<Scenario> {
  const { caps } = scenario.settings;
  const none = { fleet: null, pools: {}, tenants: {}, repositories: {}, locks: {} };
  if (JSON.stringify(caps) !== JSON.stringify(none))
    yield { ...scenario, settings: { ...scenario.settings, caps: none } };
  for (const key of ['replicas', 'workers'] as const) {
    const drifting = scenario[key].filter(({ drift }) => drift.rate !== 1 || drift.offsetMs !== 0);
    if (drifting.length === 0) continue;
    const still = scenario[key].map((planned) => ({ ...planned, drift: { rate: 1, offsetMs: 0 } }));
    yield { ...scenario, [key]: still };
  }
  if (scenario.network.slowShare > 0) yield { ...scenario, network: { ...scenario.network, slowShare: 0 } };
}

function* smallerPlan(plan: PlannedPlan): Generator<PlannedPlan> {
  const { definition } = plan;
  for (const operations of without(plan.operations)) yield { ...plan, operations };
  if (plan.repeats.length > 0) yield { ...plan, repeats: [] };
  if (definition.repo && !definition.steps.some(({ matrix }) => matrix?.kind === 'glob'))
    yield {
      ...plan,
      definition: { ...definition, repo: null, integrate: null, baseline: null, progress: null },
    };
  for (const [key, value] of [
    ['progress', null],
    ['baseline', null],
    ['integrate', null],
    ['deadline', null],
    ['maxParallel', null],
    ['priority', 0],
  ] as const)
    if (definition[key] !== value) yield { ...plan, definition: { ...definition, [key]: value } };
  if (definition.steps.length > 1) for (const { name } of definition.steps) yield withoutStep(plan, name);
  for (const step of definition.steps) yield* smallerStep(plan, step);
}

function* smallerStep(plan: PlannedPlan, step: StepDefinition): Generator<PlannedPlan> {
  const change = (less: Partial<StepDefinition>): PlannedPlan => ({
    ...plan,
    definition: {
      ...plan.definition,
      steps: plan.definition.steps.map((other) => (other === step ? { ...step, ...less } : other)),
    },
  });
  if (step.matrix) yield change({ matrix: null });
  if (step.when !== null) yield change({ when: null });
  if (step.locks.length > 0) yield change({ locks: [] });
  if (step.priority !== 0) yield change({ priority: 0 });
  if (step.pool !== 'default') yield change({ pool: 'default' });
  if (step.work.kind !== 'noop') yield change({ work: { kind: 'noop' } });
  const behaviour = plan.behaviours[step.name];
  if (behaviour)
    for (const less of smallerBehaviour(behaviour))
      yield { ...plan, behaviours: { ...plan.behaviours, [step.name]: less } };
}

function* smallerBehaviour(behaviour: Behaviour): Generator<Behaviour> {
  for (const key of ['rejects', 'faults', 'kills', 'blocks', 'commits'] as const)
    if (behaviour[key] !== PLAIN[key]) yield { ...behaviour, [key]: PLAIN[key] };
}

/** Whoever needed it needs it no more, and asks nothing of it. */
function withoutStep(plan: PlannedPlan, name: string): PlannedPlan {
  const asksIt = (expression: string): boolean => expression.includes(`needs.${name}.`);
  const steps = plan.definition.steps
    .filter((step) => step.name !== name)
    .map((step): StepDefinition => {
      const { when, matrix, work } = step;
      const until = work.kind === 'wait' && 'expression' in work.until && asksIt(work.until.expression);
      return {
        ...step,
        needs: step.needs.filter((need) => need !== name),
        when: when !== null && asksIt(when) ? null : when,
        matrix: matrix?.kind === 'from' && asksIt(matrix.expression) ? null : matrix,
        work: until || (work.kind === 'run' && asksIt(work.commands.join())) ? { kind: 'noop' } : work,
      };
    });
  return { ...plan, files: filesOf(plan, name), definition: { ...plan.definition, steps } };
}

/** By the index of the definition: those behind the step move up by one. */
function filesOf({ files, definition }: PlannedPlan, name: string): Record<string, string[]> {
  const gone = definition.steps.findIndex((step) => step.name === name);
  return Object.fromEntries(
    Object.entries(files)
      .filter(([index]) => Number(index) !== gone)
      .map(([index, found]) => [String(Number(index) > gone ? Number(index) - 1 : Number(index)), found]),
  );
}
