import type { PlanDefinition, StepDefinition } from '../plan/definition.ts';
import type { PlanEvent, PlanSubmitted } from './events.ts';

/** Version of what the events say. Older ones are upcast on reading; what was hashed is never touched. */
export const EVENT_VERSION = 2;

/**
 * An event as it was stored, in today's shape. Version 1 knew plans without labels, parameters, priorities, deadlines,
 * locks, baselines and conditions.
 */
export function upcast(version: number, event: PlanEvent): PlanEvent {
  if (version >= 2 || event.type !== 'plan.submitted') return event;
  return { type: event.type, data: submittedV1(event.data) };
}

function submittedV1(data: PlanSubmitted): PlanSubmitted {
  const { definition } = data;
  return {
    ...data,
    definition: { ...PLAN_V2, ...definition, steps: definition.steps.map((step) => stepV1(step)) },
  };
}

function stepV1(step: StepDefinition): StepDefinition {
  const { work } = step;
  return { ...STEP_V2, ...step, work: work.kind === 'run' ? { ...work, script: null } : work };
}

const PLAN_V2: Pick<
  PlanDefinition,
  'labels' | 'params' | 'priority' | 'deadline' | 'locks' | 'baseline' | 'progress'
> = { labels: {}, params: {}, priority: 0, deadline: null, locks: {}, baseline: null, progress: null };

const STEP_V2: Pick<StepDefinition, 'when' | 'priority' | 'locks' | 'with'> = {
  when: null,
  priority: 0,
  locks: [],
  with: {},
};
