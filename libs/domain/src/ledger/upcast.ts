import type { PlanDefinition, StepDefinition, StepWork } from '../plan/definition.ts';
import type { PlanEvent, PlanSubmitted } from './events.ts';

/** Version of what the events say. Older ones are upcast on reading; what was hashed is never touched. */
export const EVENT_VERSION = 2;

/** Written by a newer version of the program. The bytes can be verified, but not understood. */
export class EventTooNewError extends Error {
  readonly code = 'EVENT_TOO_NEW';
  readonly retry = 'never';
  override readonly name = 'EventTooNewError';
  constructor(readonly version: number) {
    super(
      `This event has version ${version}, and this program knows versions up to ${EVENT_VERSION}: ` +
        'read it with the version that wrote it, or a newer one.',
    );
  }
}

/**
 * An event as it was stored, in today's shape. Version 1 knew plans without labels, parameters, priorities, deadlines,
 * locks, baselines and conditions. Throws EventTooNewError: what a newer program meant is never guessed.
 */
export function upcast(version: number, event: PlanEvent): PlanEvent {
  if (version > EVENT_VERSION) throw new EventTooNewError(version);
  if (version >= 2 || event.type !== 'plan.submitted') return event;
  return { type: event.type, data: submittedV1(event.data) };
}

function submittedV1(data: PlanSubmitted): PlanSubmitted {
  const { definition } = data;
  return {
    ...data,
    definition: {
      ...PLAN_V2,
      ...definition,
      integrate: definition.integrate && { ...definition.integrate, ...plainPrograms(definition.integrate) },
      steps: definition.steps.map((step) => stepV1(step)),
    },
  };
}

function stepV1(step: StepDefinition): StepDefinition {
  const { paths } = step;
  return {
    ...STEP_V2,
    ...step,
    ...plainPrograms(step),
    paths: { write: paths.write && paths.write.map(plain), protect: paths.protect.map(plain) },
    work: workV1(step.work),
  };
}

function workV1(work: StepWork): StepWork {
  switch (work.kind) {
    case 'run':
      return { ...work, commands: work.commands.map(plain), script: null };
    case 'agent': {
      const prompt = 'inline' in work.prompt ? { inline: plain(work.prompt.inline) } : work.prompt;
      return { ...work, command: plain(work.command), prompt };
    }
    case 'codemod':
      return { ...work, files: work.files.map(plain) };
    default:
      return work;
  }
}

function plainPrograms({ setup, verify, env }: Pick<StepDefinition, 'setup' | 'verify' | 'env'>) {
  const variables = Object.entries(env).map(([name, text]) => [name, plain(text)]);
  return {
    setup: setup.map(plain),
    verify: verify.map(plain),
    env: Object.fromEntries(variables) as Record<string, string>,
  };
}

/** What looked like an expression was plain text then. */
function plain(text: string): string {
  return text.replaceAll('${{', () => '$${{');
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
