import { aPlan, aStep, PlanStory } from '../testing/plan-story.ts';
import type { PlanDefinition } from './definition.ts';

/** Every step of the plan, one result after the other, as the decider would take them. */
function carryThrough(definition: PlanDefinition): number {
  const story = new PlanStory(definition);
  for (let admitted = story.admitAll(); admitted.length > 0; admitted = story.admitAll())
    for (const ordinal of inFlight(story)) {
      const { epoch } = story.state.steps[ordinal]!;
      const lease = { ordinal, epoch, worker: 'w', tokenDigest: 't' };
      story.tell({ kind: 'passed', lease, commit: null, outputs: {}, resolved: null, candidate: null });
    }
  expect(story.state.status).toBe('completed');
  return story.events.length;
}

/** Those that the last round admitted: the events say so, without a look at the whole plan. */
function inFlight({ events, state }: PlanStory): number[] {
  const admitted: number[] = [];
  for (let at = events.length - 1; at >= 0; at -= 1) {
    const event = events[at]!;
    if (event.type !== 'step.admitted') break;
    if (state.steps[event.data.ordinal]?.status === 'admitted') admitted.push(event.data.ordinal);
  }
  return admitted.reverse();
}

const values = (count: number) => Array.from({ length: count }, (_, index) => String(index));

const SHAPES: Record<string, (size: number) => PlanDefinition> = {
  'wide, with one step that needs all': (size) =>
    aPlan([
      aStep('leaf', [], { matrix: { kind: 'list', values: values(size) } }),
      aStep('join', ['leaf']),
      aStep('last', ['join']),
    ]),
  'one chain': (size) =>
    aPlan(values(size).map((n, index) => aStep(`c${n}`, index === 0 ? [] : [`c${index - 1}`]))),
  'two layers of which each step needs all before it': (size) =>
    aPlan([
      aStep('one', [], { matrix: { kind: 'list', values: values(size / 2) } }),
      aStep('two', ['one'], { matrix: { kind: 'list', values: values(size / 2) } }),
    ]),
};

/** Processor time in ms of the quickest of three runs: what else the machine does is not the plan's doing. */
function costOf(shape: (size: number) => PlanDefinition, size: number): number {
  const costs = [1, 2, 3].map(() => {
    const definition = shape(size);
    const before = process.cpuUsage();
    carryThrough(definition);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...costs);
}

describe('a plan that is sixteen times as large', () => {
  it.each(Object.keys(SHAPES))(
    'costs about that much more to decide, not its square: %s',
    (name) => {
      const shape = SHAPES[name]!;
      carryThrough(shape(1_000));
      const small = costOf(shape, 1_000);
      const large = costOf(shape, 16_000);
      // In proportion: 16; measured 8 to 25. With one look at every step for each event: 150 to 340.
      expect(large / small).toBeLessThan(60);
    },
    60_000,
  );
});
