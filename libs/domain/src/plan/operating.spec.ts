import { explainWait } from '../scheduling/explain.ts';
import { toIso } from '../time.ts';
import { PlanStory, REPO, SLOTS, aPlan, aStep } from '../testing/plan-story.ts';
import type { StepWork } from './definition.ts';

const BY = { name: 'ann', via: 'cli' };
const RUN: StepWork = { kind: 'run', commands: ['x'], script: null };
const who = { by: BY, why: 'because' };

/** `a` is blocked with its attempts used up, `b` needs it, `c` passed beside it. */
function halted(rest: Parameters<typeof aPlan>[1] = {}): PlanStory {
  const story = new PlanStory(
    aPlan([aStep('a', [], { attempts: 2, work: RUN }), aStep('b', ['a']), aStep('c')], rest),
  );
  if (rest.repo) {
    story.admitAll();
    story.pass('resolve', { resolved: { baseSha: 'b'.repeat(40), files: {}, texts: {} } });
  }
  story.admitAll();
  story.pass('c');
  story.attempt('a', 1, 'rejected');
  story.attempt('a', 2, 'rejected');
  return story;
}

const ordinalOf = (story: PlanStory, name: string): number => story.step(name).instance.ordinal;

describe('a paused plan', () => {
  it('admits nothing, says who paused it, and takes results of what runs', () => {
    const story = new PlanStory(aPlan([aStep('a'), aStep('b', ['a'])]));
    story.admitAll();
    story.tell({ kind: 'pause', ...who });
    expect(story.pass('a')).toMatchObject({ status: 'applied' });
    expect(story.admitAll()).toEqual([]);
    expect(explainWait(story.fleet, story.state, 1, story.now, SLOTS)).toBe(
      'the plan was paused by ann: because',
    );
    story.tell({ kind: 'resume', ...who });
    expect(story.admitAll()).toEqual(['b']);
  });

  it('is paused once, however often it is said, and resumed once', () => {
    const story = new PlanStory(aPlan([aStep('a')]));
    for (const kind of ['pause', 'pause', 'resume', 'resume'] as const)
      expect(story.tell({ kind, ...who })).toMatchObject({ status: 'applied' });
    expect(story.types().slice(-2)).toEqual(['plan.paused', 'plan.resumed']);
  });

  it('that ends meanwhile is cleaned up', () => {
    const story = new PlanStory(aPlan([aStep('a')], REPO));
    story.admitAll();
    story.tell({ kind: 'pause', ...who });
    const reason = { code: 'base-unknown', message: 'no such branch' };
    story.tell({ kind: 'blocked', lease: story.lease('resolve'), reason });
    expect(story.state).toMatchObject({ status: 'halted', closed: true });
    const cancelled = halted({ ...REPO, integrate: null });
    expect(cancelled.admitAll()).toEqual(['clean']);
  });

  it('that has ended is neither', () => {
    const story = halted();
    expect(story.tell({ kind: 'pause', ...who })).toMatchObject({ code: 'plan-ended' });
    expect(story.tell({ kind: 'resume', ...who })).toMatchObject({ code: 'plan-ended' });
  });
});

describe('a retried step', () => {
  const retry = (story: PlanStory, name: string, rest: { attempts?: number; note?: string } = {}) =>
    story.tell({
      kind: 'retry',
      ordinal: ordinalOf(story, name),
      attempts: rest.attempts ?? null,
      note: rest.note ?? null,
      ...who,
    });

  it('goes on from its last attempt, with the feedback, a note, and more attempts; the plan goes on with it', () => {
    const story = halted();
    expect(story.state).toMatchObject({ status: 'halted', closed: true });
    expect(retry(story, 'a', { note: 'mind the tests' })).toMatchObject({ status: 'applied' });
    expect(story.state).toMatchObject({ status: 'running', closed: false, failed: [] });
    expect(story.types().slice(-2)).toEqual(['plan.reopened', 'step.reopened']);
    expect(story.step('a')).toMatchObject({
      attemptsUsed: 2,
      attemptsAllowed: 4,
      previous: { commit: { ref: 'refs/skein/p/s1/1-t/2' }, feedback: 'feedback 2\n\nmind the tests' },
    });
    expect(story.admitAll()).toEqual(['a']);
    story.attempt('a', 3, 'accepted');
    expect(story.admitAll()).toEqual(['b']);
    story.pass('b');
    expect(story.state.status).toBe('completed');
  });

  it('is given as many attempts as were asked for, and is blocked when they are used up', () => {
    const story = halted();
    retry(story, 'a', { attempts: 1 });
    story.admitAll();
    story.attempt('a', 3, 'rejected');
    expect(story.step('a')).toMatchObject({ status: 'blocked', reason: { code: 'attempts-used-up' } });
    expect(story.state.status).toBe('halted');
  });

  it('that is redriven for later waits for its time, says so, and holds no place meanwhile', () => {
    const story = new PlanStory(aPlan([aStep('a')], { maxLeases: 1 }));
    story.admitAll();
    story.claim('a');
    story.expire('a');
    const only = { attempts: null, note: null, onlyPoisoned: true };
    const at = toIso(story.now + 60_000);
    expect(story.tell({ kind: 'retry', ordinal: 0, ...only, notBefore: at, ...who })).toMatchObject({
      status: 'applied',
    });
    expect(story.admitAll()).toEqual([]);
    expect(explainWait(story.fleet, story.state, 0, story.now, SLOTS)).toBe(
      `is tried again at ${at} (redriven by ann: because)`,
    );
    expect(story.state.status).toBe('running');
    story.now += 60_000;
    expect(story.admitAll()).toEqual(['a']);
  });

  it('that is redriven for a time that is over is tried at once', () => {
    const story = new PlanStory(aPlan([aStep('a')], { maxLeases: 1 }));
    story.admitAll();
    story.claim('a');
    story.expire('a');
    const only = { attempts: null, note: null, onlyPoisoned: true };
    story.tell({ kind: 'retry', ordinal: 0, ...only, notBefore: toIso(story.now - 1), ...who });
    expect(story.admitAll()).toEqual(['a']);
  });

  it('that was poisoned starts with no lease lost', () => {
    const story = new PlanStory(aPlan([aStep('a')], { maxLeases: 1 }));
    story.admitAll();
    story.claim('a');
    story.expire('a');
    expect(story.step('a').status).toBe('poisoned');
    retry(story, 'a');
    expect(story.step('a')).toMatchObject({ status: 'ready', leasesLost: 0 });
    expect(story.admitAll()).toEqual(['a']);
    expect(story.step('a').epoch).toBe(2);
  });

  it('cleans up after the new end, not in the middle of it', () => {
    const story = halted(REPO);
    expect(story.admitAll()).toEqual(['clean']);
    expect(retry(story, 'a')).toMatchObject({ code: 'plan-closing' });
    story.pass('clean');
    expect(story.state.closed).toBe(true);
    expect(retry(story, 'a')).toMatchObject({ status: 'applied' });
    expect(story.admitAll()).toEqual(['a']);
    story.attempt('a', 3, 'rejected');
    story.attempt('a', 4, 'rejected');
    expect(story.admitAll()).toEqual(['clean']);
  });

  it.each([
    ['b', 'step-open'],
    ['c', 'step-not-failed'],
  ])('is refused where it makes no sense: %s', (name, code) => {
    const story = halted();
    expect(retry(story, name)).toMatchObject({ status: 'refused', code });
    expect(story.state.status).toBe('halted');
  });

  it('is refused as a redrive when it is no dead letter', () => {
    const story = halted();
    const input = {
      kind: 'retry' as const,
      ordinal: ordinalOf(story, 'a'),
      attempts: null,
      note: null,
      ...who,
    };
    expect(story.tell({ ...input, onlyPoisoned: true })).toMatchObject({ code: 'step-not-poisoned' });
  });

  it('is refused in a plan that was cancelled', () => {
    const story = new PlanStory(aPlan([aStep('a', [], { attempts: 1, work: RUN }), aStep('b')]));
    story.admitAll();
    story.attempt('a', 1, 'rejected');
    story.tell({ kind: 'cancel', by: BY, why: null });
    expect(retry(story, 'a')).toMatchObject({ code: 'plan-ended' });
  });

  it('is refused in a plan whose deadline ended every open step', () => {
    const story = new PlanStory(
      aPlan([aStep('a', [], { attempts: 1, work: RUN }), aStep('b')], { deadline: { afterMs: 1_000 } }),
    );
    story.admitAll();
    story.attempt('a', 1, 'rejected');
    story.now += 1_000;
    story.tell({ kind: 'time' });
    expect(retry(story, 'a')).toMatchObject({
      code: 'plan-ended',
      reason: expect.stringContaining('fork it'),
    });
  });

  it('is the same after a take-over', () => {
    const story = halted();
    retry(story, 'a', { note: 'n' });
    expect(story.replayed().steps.map(({ lane: _, ...step }) => step)).toEqual(
      story.state.steps.map(({ lane: _, ...step }) => step),
    );
  });
});

describe('a skipped step', () => {
  const skip = (story: PlanStory, name: string) =>
    story.tell({ kind: 'skip', ordinal: ordinalOf(story, name), ...who });

  it('counts as met, with who and why', () => {
    const story = halted();
    skip(story, 'a');
    expect(story.step('a')).toMatchObject({
      status: 'skipped',
      reason: { code: 'skipped-by-operator', message: 'skipped by ann: because' },
    });
    expect(story.admitAll()).toEqual(['b']);
    story.pass('b');
    expect(story.state).toMatchObject({ status: 'completed', failed: [] });
  });

  it('that runs loses its lease: what its worker says after that is late', () => {
    const story = new PlanStory(aPlan([aStep('a'), aStep('b', ['a'])]));
    story.admitAll();
    story.claim('a');
    const lease = story.lease('a');
    skip(story, 'a');
    const late = {
      kind: 'passed' as const,
      lease,
      commit: null,
      outputs: {},
      resolved: null,
      candidate: null,
    };
    expect(story.tell(late)).toMatchObject({ status: 'lost' });
    expect(story.types().at(-1)).toBe('result.late');
    expect(story.admitAll()).toEqual(['b']);
  });

  it('whose needs are met later is not met twice', () => {
    const story = new PlanStory(aPlan([aStep('a'), aStep('b', ['a']), aStep('c', ['b']), aStep('d', ['a'])]));
    story.admitAll();
    skip(story, 'b');
    expect(story.admitAll()).toEqual(['c']);
    story.pass('c');
    story.pass('a');
    expect(story.admitAll()).toEqual(['d']);
    story.pass('d');
    expect(story.state).toMatchObject({ status: 'completed', unmetGroups: 0 });
  });

  it('is skipped once; a step that has passed is refused', () => {
    const story = halted();
    skip(story, 'a');
    const before = story.events.length;
    expect(skip(story, 'a')).toMatchObject({ status: 'applied' });
    expect(story.events.length).toBe(before);
    expect(skip(story, 'c')).toMatchObject({ code: 'step-ended' });
  });

  it('that integrates leaves nothing to publish', () => {
    const story = new PlanStory(aPlan([aStep('a')], REPO));
    story.admitAll();
    story.pass('resolve', { resolved: { baseSha: 'b'.repeat(40), files: {}, texts: {} } });
    story.admitAll();
    story.pass('a');
    story.admitAll();
    skip(story, 'integrate');
    expect(story.step('publish').status).toBe('skipped');
    expect(story.state.status).toBe('completed');
  });

  it('that integrates stays skipped when the last of the others passes after it', () => {
    const story = new PlanStory(aPlan([aStep('a')], REPO));
    story.admitAll();
    story.pass('resolve', { resolved: { baseSha: 'b'.repeat(40), files: {}, texts: {} } });
    story.admitAll();
    skip(story, 'integrate');
    expect(story.state.status).toBe('running');
    story.pass('a');
    expect([story.step('integrate').status, story.step('publish').status]).toEqual(['skipped', 'skipped']);
    expect(story.state.status).toBe('completed');
    expect(story.admitAll()).toEqual(['clean']);
  });

  it.each(['resolve', 'publish', 'clean'])('is never %s', (name) => {
    const story = new PlanStory(aPlan([aStep('a')], REPO));
    story.admitAll();
    if (name !== 'resolve') story.pass('resolve', { resolved: { baseSha: 'b', files: {}, texts: {} } });
    expect(skip(story, name)).toMatchObject({ code: 'step-not-skipped' });
  });
});

describe('a killed step', () => {
  const kill = (story: PlanStory, name: string) =>
    story.tell({ kind: 'kill', ordinal: ordinalOf(story, name), ...who });

  it('is tried again at once, and the loss does not count', () => {
    const story = new PlanStory(aPlan([aStep('a')], { maxLeases: 1 }));
    story.admitAll();
    story.claim('a');
    const lease = story.lease('a');
    kill(story, 'a');
    expect(story.step('a')).toMatchObject({ status: 'ready', leasesLost: 0 });
    expect(story.tell({ kind: 'claim', lease })).toMatchObject({ status: 'lost' });
    expect(story.admitAll()).toEqual(['a']);
  });

  it('that nobody works on is refused', () => {
    const story = new PlanStory(aPlan([aStep('a')]));
    expect(kill(story, 'a')).toMatchObject({ code: 'step-not-running' });
    story.admitAll();
    expect(kill(story, 'a')).toMatchObject({ code: 'step-not-running' });
  });
});
