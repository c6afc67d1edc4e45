import { PlanStory, REPO, aPlan, aStep } from '../testing/plan-story.ts';
import type { PlanDefinition, StepDefinition, StepWork } from './definition.ts';
import { forkedFrom } from './forking.ts';

const run = (command: string): StepWork => ({ kind: 'run', commands: [command], script: null });
const commit = { sha: 'c'.repeat(40), ref: 'refs/skein/old/s1/1-t/1' };
const resolved = { baseSha: 'b'.repeat(40), files: {}, texts: {} };

const steps = (change: Partial<Record<string, Partial<StepDefinition>>> = {}): StepDefinition[] => [
  aStep('a', [], { work: run('a'), ...change['a'] }),
  aStep('b', ['a'], { work: run('b'), ...change['b'] }),
  aStep('c', [], { work: run('c'), ...change['c'] }),
  aStep('d', ['b', 'c'], { work: run('d'), ...change['d'] }),
];

/** `a` and `c` have passed, `b` is blocked. */
function origin(): PlanStory {
  const story = new PlanStory(aPlan(steps(), { ...REPO, integrate: null }));
  story.admitAll();
  story.pass('resolve', { resolved });
  story.admitAll();
  story.pass('a', { commit, outputs: { n: 1 } });
  story.pass('c');
  story.admitAll();
  const reason = { code: 'attempts-used-up', message: 'no' };
  story.tell({ kind: 'blocked', lease: story.lease('b'), reason });
  return story;
}

function forked(definition: PlanDefinition, from = origin()): PlanStory {
  const story = new PlanStory(definition, undefined, forkedFrom(from.state, definition));
  story.admitAll();
  story.pass('resolve', { resolved });
  return story;
}

const plan = (list: StepDefinition[], rest: Partial<PlanDefinition> = {}): PlanDefinition =>
  aPlan(list, { ...REPO, integrate: null, ...rest });

describe('a plan that was forked', () => {
  it('takes over what has passed, in the append that expands it, and goes on from there', () => {
    const story = forked(plan(steps({ b: { attempts: 9, pool: 'default' } })));
    expect(story.types().slice(-3)).toEqual(['plan.expanded', 'step.passed', 'step.passed']);
    expect(story.step('a')).toMatchObject({ status: 'passed', commit, outputs: { n: 1 }, epoch: 0 });
    expect(story.admitAll()).toEqual(['b']);
    story.pass('b');
    expect(story.admitAll()).toEqual(['d']);
    story.pass('d');
    expect(story.state).toMatchObject({ status: 'completed', unmetGroups: 0 });
  });

  it('says whose work it was', () => {
    expect(
      forked(plan(steps())).events.flatMap((event) =>
        event.type === 'step.passed' ? [event.data.takenFrom] : [],
      ),
    ).toEqual([undefined, 'plan00000001', 'plan00000001']);
  });

  it.each<[string, Partial<Record<string, Partial<StepDefinition>>>, string[]]>([
    ['whose work is another', { a: { work: run('other') } }, ['a']],
    ['whose checks are others', { c: { verify: ['test'] } }, ['c', 'b']],
    ['that may write elsewhere', { a: { paths: { write: ['x'], protect: [] } } }, ['a']],
    [
      'of which only the pool and the time are others',
      { a: { pool: 'default', timeout: { attemptMs: 5, idleMs: 5 } } },
      ['b'],
    ],
  ])('does again a step %s, and what builds on it', (_what, change, ready) => {
    expect(
      forked(plan(steps(change)))
        .admitAll()
        .sort(),
    ).toEqual(ready.sort());
  });

  it('takes over nothing that was made on another repository', () => {
    const other = plan(steps(), { repo: { url: '/other', base: 'main' } });
    // `c` left no commit: what it found out may be as true there.
    expect(forkedFrom(origin().state, other).results).toEqual({ c: { commit: null, outputs: {} } });
  });

  it('does again what asks for parameters that have changed', () => {
    const asks = steps({ a: { work: run('echo ${{ params.x }}') } });
    const story = new PlanStory(plan(asks, { params: { x: 1 } }));
    story.admitAll();
    story.pass('resolve', { resolved });
    story.admitAll();
    story.pass('a', { commit });
    const names = (x: number): string[] =>
      Object.keys(forkedFrom(story.state, plan(asks, { params: { x } })).results);
    expect(names(1)).toEqual(['a']);
    expect(names(2)).toEqual([]);
  });

  it('is the same after a take-over', () => {
    const story = forked(plan(steps()));
    const shown = (state: PlanStory['state']): unknown =>
      state.steps.map(({ instance, status }) => [instance.name, status]);
    expect(shown(story.replayed())).toEqual(shown(story.state));
  });

  it('has nothing to do when all of it is taken over', () => {
    const from = forked(plan(steps()));
    from.admitAll();
    from.pass('b');
    from.admitAll();
    from.pass('d');
    const story = forked(plan(steps()), from);
    expect(story.state.status).toBe('completed');
    expect(story.admitAll()).toEqual(['clean']);
  });
});
