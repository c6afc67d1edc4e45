import { PlanStory, REPO, aPlan, aStep } from '../testing/plan-story.ts';
import { openSteps, quotaRefusal, stepsNamed } from './quota.ts';

describe('the open steps of a plan', () => {
  it('are those that have not ended, and none when the plan has', () => {
    const story = new PlanStory(aPlan([aStep('a'), aStep('b', ['a']), aStep('c', ['a'])]));
    expect(openSteps(story.state)).toBe(3);
    story.admitAll();
    expect(openSteps(story.state)).toBe(3);
    story.pass('a');
    expect(openSteps(story.state)).toBe(2);
    story.tell({ kind: 'cancel', by: { name: 'ann', via: 'cli' }, why: null });
    expect(openSteps(story.state)).toBe(0);
  });

  it('are those of its text while its repository is not read yet', () => {
    const matrix = { kind: 'list' as const, values: ['x', 'y', 'z'] };
    const plan = aPlan([aStep('a', [], { matrix }), aStep('b')], REPO);
    expect(stepsNamed(plan)).toBe(4);
    expect(openSteps(new PlanStory(plan).state)).toBe(4);
  });
});

describe('a quota', () => {
  it.each([
    [0, 10, 10, null],
    [4, 6, 10, null],
    [4, 7, 10, 'quota-used-up'],
    [0, 11, 10, 'quota-too-small'],
    [1_000_000, 1_000_000, null, null],
  ])('with %d open steps and %d more of %d is kept to', (open, more, quota, code) => {
    expect(quotaRefusal('t', open, more, quota)?.code ?? null).toBe(code);
  });

  it('says how many there are, and what to do', () => {
    expect(quotaRefusal('team', 4, 7, 10)?.message).toBe(
      'tenant team has 4 open steps and may have 10; with the 7 of this plan they would be 11: submit it again when some have ended',
    );
  });
});
