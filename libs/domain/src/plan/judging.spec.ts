import type { JsonValue } from '../json.ts';
import { explainWait } from '../scheduling/explain.ts';
import { PlanStory, REPO, SLOTS, T0, aPlan, aStep } from '../testing/plan-story.ts';
import { toIso } from '../time.ts';
import { ExpressionError, type Expressions, type ExpressionScope } from './expressions.ts';
import type { StepDefinition } from './definition.ts';
import { inputCommits } from './inputs-of.ts';

/** Expressions are functions of the scope here: what they are written in is libs/contracts' business. */
function words(meaning: Record<string, (scope: ExpressionScope) => JsonValue>): Expressions {
  return {
    evaluate(source, scope) {
      const found = meaning[source];
      if (!found) throw new ExpressionError('no such word');
      return found(scope);
    },
  };
}

const planned = (scope: ExpressionScope): JsonValue => {
  const planner = scope.needs['plan'];
  return planner && 'outputs' in planner ? (planner.outputs['parts'] ?? null) : null;
};

const fanOut = (rest: Partial<StepDefinition> = {}): StepDefinition[] => [
  aStep('plan'),
  aStep('part', ['plan'], { matrix: { kind: 'from', expression: 'parts' }, ...rest }),
  aStep('join', ['part']),
];

describe('a fan-out that is decided at run time', () => {
  const story = (outputs: Record<string, JsonValue>, rest: Partial<StepDefinition> = {}): PlanStory => {
    const told = new PlanStory(aPlan(fanOut(rest)), words({ parts: planned, 'is x': isX }));
    told.admitAll();
    told.pass('plan', { outputs });
    return told;
  };
  const isX = ({ matrix }: ExpressionScope): JsonValue =>
    matrix !== null && 'item' in matrix && matrix.item === 'x';

  it('is one event, in the append of the result that decided it', () => {
    const told = story({ parts: ['x', { name: 'y', size: 2 }, 7, ['z']] });
    expect(told.types().slice(-4)).toEqual(['step.admitted', 'step.passed', 'steps.expanded', 'steps.freed']);
    expect(told.admitAll()).toEqual(['part[x]', 'part[y]', 'part[7]', 'part[4]']);
    expect(told.step('part[y]').instance).toMatchObject({
      ordinal: 3,
      matrix: { item: { name: 'y', size: 2 } },
    });
  });

  it('joins when all that it made has passed', () => {
    const told = story({ parts: ['x', 'y'] });
    told.admitAll();
    told.pass('part[x]');
    expect(told.step('join').status).toBe('waiting');
    told.pass('part[y]');
    expect(told.admitAll()).toEqual(['join']);
  });

  it('of nothing is met at once', () => {
    const told = story({ parts: [] });
    expect(told.admitAll()).toEqual(['join']);
    told.pass('join');
    expect(told.state.status).toBe('completed');
  });

  it('says while it is not decided that its steps are not known', () => {
    const told = new PlanStory(aPlan(fanOut()), words({ parts: planned }));
    const { ordinal } = told.step('join').instance;
    expect(explainWait(told.fleet, told.state, ordinal, told.now, SLOTS)).toBe(
      'needs part (its steps are not decided yet)',
    );
  });

  it.each<[string, JsonValue, string]>([
    ['text', 'x', 'it gives text: x, not a list'],
    ['nothing', null, 'it gives nothing, not a list'],
    ['the same twice', ['x', 'x'], 'item 2 is there twice: x'],
    ['an empty item', ['x', ''], 'item 2 is empty'],
    ['a NUL', ['a\0b'], 'item 1 holds a NUL character'],
    ['too much', Array.from({ length: 10_001 }, (_, index) => index), 'at most 10000 steps'],
  ])('from %s is blocked in the open, and the plan halts on it', (_what, parts, says) => {
    const told = story({ parts });
    expect(told.step('part')).toMatchObject({
      status: 'blocked',
      reason: { code: 'matrix-invalid', message: expect.stringContaining(says) },
    });
    expect(told.state.status).toBe('halted');
  });

  it('whose expression has no value is blocked with what is wrong', () => {
    const told = story({}, { matrix: { kind: 'from', expression: 'nonsense' } });
    expect(told.step('part').reason).toEqual({
      code: 'expression-failed',
      message: 'nonsense has no value: no such word',
    });
  });

  it('asks the condition of each of its steps', () => {
    const told = story({ parts: ['x', 'y'] }, { when: 'is x' });
    expect(told.step('part[y]').status).toBe('skipped');
    expect(told.admitAll()).toEqual(['part[x]']);
    told.pass('part[x]');
    expect(told.admitAll()).toEqual(['join']);
  });

  it('names its steps so that they can be shown anywhere', () => {
    const told = story({ parts: ['a\u001b[2Jb\n', '\ud800'] });
    expect(told.admitAll()).toEqual(['part[a?[2Jb?]', 'part[\ufffd]']);
  });

  it('is the same after a take-over', () => {
    const told = story({ parts: ['x', 'y'] });
    const names = (story: PlanStory['state']) =>
      story.steps.map(({ instance, status }) => [instance.name, status]);
    expect(names(told.replayed())).toEqual(names(told.state));
  });
});

describe('a condition', () => {
  const told = (when: string, value?: JsonValue): PlanStory =>
    new PlanStory(
      aPlan([aStep('maybe', [], { when }), aStep('after', ['maybe'])]),
      words(value === undefined ? {} : { [when]: () => value }),
    );

  it('that is true lets the step go', () => {
    expect(told('yes', true).admitAll()).toEqual(['maybe']);
  });

  it('that is false skips the step, which counts as met', () => {
    const story = told('no', false);
    expect(story.step('maybe')).toMatchObject({
      status: 'skipped',
      reason: { code: 'condition-false', message: 'its condition is false: no' },
    });
    expect(story.admitAll()).toEqual(['after']);
  });

  it('that is neither blocks the step and says what it gave', () => {
    expect(told('text', 'true').step('maybe').reason).toEqual({
      code: 'condition-invalid',
      message: 'its condition (text) gives text: true, not true or false',
    });
  });

  it('that has no value blocks the step, and the plan halts', () => {
    const story = told('broken');
    expect(story.step('maybe').reason?.code).toBe('expression-failed');
    expect(story.state.status).toBe('halted');
  });

  it('is judged when its needs are met, and sees what they put out', () => {
    const seen: ExpressionScope[] = [];
    const story = new PlanStory(
      aPlan(
        [
          aStep('list', [], { matrix: { kind: 'list', values: ['a', 'b'] } }),
          aStep('one'),
          aStep('last', ['list', 'one'], { when: 'look', with: { k: 1 } }),
        ],
        { params: { p: 'q' } },
      ),
      words({ look: (scope) => (seen.push(scope), true) }),
    );
    story.admitAll();
    story.pass('one', { outputs: { n: 1 } });
    story.pass('list[a]', { outputs: { risky: true } });
    expect(seen).toEqual([]);
    story.pass('list[b]');
    expect(seen).toEqual([
      {
        params: { p: 'q' },
        with: { k: 1 },
        plan: { id: story.state.planId, name: 'plan' },
        step: { name: 'last', ordinal: 3 },
        matrix: null,
        needs: {
          one: { name: 'one', outcome: 'passed', outputs: { n: 1 }, matrix: null },
          list: {
            all: [
              { name: 'list[a]', outcome: 'passed', outputs: { risky: true }, matrix: { value: 'a' } },
              { name: 'list[b]', outcome: 'passed', outputs: {}, matrix: { value: 'b' } },
            ],
          },
        },
      },
    ]);
  });

  it('skips a chain of thousands without depth', () => {
    const steps = Array.from({ length: 20_000 }, (_, index) =>
      aStep(`n${index}`, index === 0 ? [] : [`n${index - 1}`], { when: 'no' }),
    );
    expect(new PlanStory(aPlan(steps), words({ no: () => false })).state.status).toBe('completed');
  });
});

describe('a wait', () => {
  const waiting = (
    until: { forMs: number } | { at: string } | { expression: string },
    value = '',
  ): PlanStory =>
    new PlanStory(
      aPlan([aStep('rest', [], { work: { kind: 'wait', until } }), aStep('after', ['rest'])]),
      words({ then: () => value }),
    );

  it.each([
    ['a duration', { forMs: 60_000 }, ''],
    ['a time', { at: toIso(T0 + 60_000) }, ''],
    ['an expression of a duration', { expression: 'then' }, '1m'],
    ['an expression of a time', { expression: 'then' }, toIso(T0 + 60_000)],
  ])('for %s passes when it is over, and holds nothing meanwhile', (_what, until, value) => {
    const story = waiting(until, value);
    expect(story.admitAll()).toEqual([]);
    expect(story.step('rest').status).toBe('sleeping');
    expect(story.state).toMatchObject({ inFlight: 0, readyCount: 0, status: 'running' });
    expect(story.fleet.nextWake()).toBe(T0 + 60_000);
    story.now = T0 + 59_999;
    expect(story.fleet.overdue(story.now, 10)).toEqual([]);
    story.tell({ kind: 'time' });
    expect(story.step('rest').status).toBe('sleeping');
    story.now = T0 + 60_000;
    expect(story.fleet.overdue(story.now, 10)).toEqual([story.state.planId]);
    story.tell({ kind: 'time' });
    expect(story.fleet.overdue(story.now, 10)).toEqual([]);
    expect(story.step('rest').status).toBe('passed');
    expect(story.admitAll()).toEqual(['after']);
  });

  it.each(['soon', '', '2026-13-45T00:00:00Z', '20000h'])(
    'for %j is blocked and says what it wants',
    (value) => {
      const story = waiting({ expression: 'then' }, value);
      expect(story.step('rest').reason).toMatchObject({
        code: 'wait-invalid',
        message: expect.stringContaining('a duration such as 2h, or a time such as'),
      });
    },
  );

  it('is explained with its end', () => {
    const story = waiting({ forMs: 60_000 });
    expect(explainWait(story.fleet, story.state, 0, story.now, SLOTS)).toBe(
      `waits until ${toIso(T0 + 60_000)}`,
    );
  });

  it('ends with its plan', () => {
    const story = waiting({ forMs: 60_000 });
    story.tell({ kind: 'cancel', by: { name: 'me', via: 'cli' }, why: null });
    expect(story.step('rest').status).toBe('cancelled');
    expect(story.fleet.nextWake()).toBeNull();
  });
});

describe('what makes no commits itself', () => {
  it.each<[string, Partial<StepDefinition>]>([
    ['a join', {}],
    ['a wait', { work: { kind: 'wait', until: { forMs: 1_000 } } }],
    ['a step that is skipped', { when: 'no', work: { kind: 'run', commands: ['x'], script: null } }],
  ])('(%s) passes on the results of its needs', (_what, between) => {
    const work = { kind: 'run' as const, commands: ['x'], script: null };
    const steps = [
      aStep('first', [], { work }),
      aStep('between', ['first'], between),
      aStep('last', ['between'], { work }),
    ];
    const story = new PlanStory(aPlan(steps), words({ no: () => false }));
    const commit = { sha: 'a'.repeat(40), ref: 'refs/x' };
    story.admitAll();
    story.pass('first', { commit });
    if (!between.when && !between.work) {
      story.admitAll();
      story.pass('between');
    }
    story.now += 1_000;
    story.tell({ kind: 'time' });
    expect(story.admitAll()).toEqual(['last']);
    expect(inputCommits(story.state, 2)).toEqual([{ ordinal: 0, stepName: 'first', commit }]);
  });
});

describe('a deadline', () => {
  const overdue = (): PlanStory => {
    const story = new PlanStory(
      aPlan([aStep('slow'), aStep('later', ['slow'])], { deadline: { afterMs: 60_000 } }),
    );
    story.admitAll();
    story.claim('slow');
    story.now = T0 + 60_000;
    return story;
  };

  it('halts the plan with everything that is open, in one event', () => {
    const story = overdue();
    expect(story.fleet.overdue(story.now, 10)).toEqual([story.state.planId]);
    story.tell({ kind: 'time' });
    expect(story.types().slice(-2)).toEqual(['plan.halted', 'plan.closed']);
    expect(story.state.steps.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
    expect(story.step('slow').reason).toMatchObject({
      code: 'deadline-passed',
      message: `the plan's deadline (${toIso(T0 + 60_000)}) has passed with 2 steps open`,
    });
  });

  it('ends every lease: what comes after it is late', () => {
    const story = overdue();
    story.tell({ kind: 'time' });
    expect(story.pass('slow')).toMatchObject({ status: 'lost' });
    expect(story.state.status).toBe('halted');
  });

  it('does nothing before its time', () => {
    const story = overdue();
    story.now -= 1;
    story.tell({ kind: 'time' });
    expect(story.state.status).toBe('running');
  });

  it('does not stop the publishing of what was accepted', () => {
    const story = new PlanStory(aPlan([aStep('a')], { ...REPO, deadline: { afterMs: 60_000 } }));
    const commit = { sha: 'c'.repeat(40), ref: 'refs/skein/x' };
    const resolved = { baseSha: 'b'.repeat(40), files: {}, texts: {} };
    story.admitAll();
    story.pass('resolve', { resolved });
    story.admitAll();
    story.pass('a', { commit });
    story.admitAll();
    const candidate = {
      branch: 'team/change',
      commit,
      expectedOld: null,
      baseSha: 'b'.repeat(40),
      diffstat: null,
    };
    story.pass('integrate', { commit, candidate });
    story.now = T0 + 60_000;
    story.tell({ kind: 'time' });
    expect(story.state.status).toBe('running');
    story.admitAll();
    story.pass('publish');
    expect(story.state.status).toBe('completed');
  });
});

describe('a baseline', () => {
  const checks = { setup: [], verify: ['npm test'], env: {}, network: false, pool: 'default' };
  const timeout = { attemptMs: 1_000, idleMs: 1_000 };
  const story = (): PlanStory => {
    const told = new PlanStory(
      aPlan([aStep('a'), aStep('b', ['a'])], { ...REPO, baseline: { ...checks, timeout, onRed: 'halt' } }),
    );
    told.admitAll();
    told.pass('resolve', { resolved: { baseSha: 'b'.repeat(40), files: {}, texts: {} } });
    return told;
  };

  it('comes before every step of the plan', () => {
    const told = story();
    expect(told.admitAll()).toEqual(['baseline']);
    expect(explainWait(told.fleet, told.state, 1, told.now, SLOTS)).toBe(
      'waits for the checks of the base (baseline)',
    );
    told.pass('baseline');
    expect(told.admitAll()).toEqual(['a']);
  });

  it('comes before what an operator has cleared the way for', () => {
    const told = story();
    told.admitAll();
    told.tell({ kind: 'skip', ordinal: 1, by: { name: 'ann', via: 'cli' }, why: null });
    expect(told.admitAll()).toEqual([]);
    expect(explainWait(told.fleet, told.state, 2, told.now, SLOTS)).toBe(
      'waits for the checks of the base (baseline)',
    );
    told.pass('baseline');
    expect(told.admitAll()).toEqual(['b']);
  });

  it('that is red halts the plan before any attempt', () => {
    const told = story();
    told.admitAll();
    const reason = { code: 'baseline-red', message: 'npm test is red on the base' };
    told.tell({ kind: 'blocked', lease: told.lease('baseline'), reason });
    expect(told.state).toMatchObject({ status: 'halted', failed: [told.step('baseline').instance.ordinal] });
    expect(told.admitAll()).toEqual(['clean']);
    expect(told.step('a').attemptsUsed).toBe(0);
  });
});

describe('a report', () => {
  const story = (): PlanStory => {
    const told = new PlanStory(
      aPlan([aStep('a'), aStep('b', ['a'])], {
        ...REPO,
        integrate: null,
        progress: { branch: 'team/progress', everyMs: 600_000 },
      }),
    );
    told.admitAll();
    told.pass('resolve', { resolved: { baseSha: 'b'.repeat(40), files: {}, texts: {} } });
    return told;
  };
  const page = { commit: { sha: 'f'.repeat(40), ref: 'team/progress' } };

  it('is written again and again while the plan runs, and once more after its end', () => {
    const told = story();
    expect(told.admitAll()).toEqual(['report', 'a']);
    told.pass('report', page);
    expect(told.types().at(-1)).toBe('report.published');
    expect(told.admitAll()).toEqual([]);
    told.now += 600_000;
    expect(told.admitAll()).toEqual(['report']);
    told.pass('report', page);
    told.pass('a');
    told.admitAll();
    told.pass('b');
    expect(told.state.status).toBe('completed');
    expect(told.admitAll()).toEqual(['report']);
    told.pass('report', page);
    expect(told.step('report').status).toBe('passed');
    expect(told.admitAll()).toEqual(['clean']);
  });

  it('never keeps a plan from ending, and a page that was begun before the end is written anew', () => {
    const told = story();
    told.admitAll();
    told.pass('a');
    told.admitAll();
    told.pass('b');
    expect(told.state.status).toBe('completed');
    told.pass('report', page);
    expect(told.step('report').status).toBe('ready');
    told.now += 1;
    expect(told.admitAll()).toEqual(['report']);
    told.pass('report', page);
    expect(told.step('report').status).toBe('passed');
  });

  it('that cannot be written halts nothing', () => {
    const told = story();
    told.admitAll();
    const reason = { code: 'foreign-branch', message: 'team/progress is not ours' };
    told.tell({ kind: 'blocked', lease: told.lease('report'), reason });
    told.pass('a');
    told.admitAll();
    told.pass('b');
    expect(told.state.status).toBe('completed');
    expect(told.admitAll()).toEqual(['clean']);
  });

  it('goes on after the plan was cancelled: people want to read that, too', () => {
    const told = story();
    told.admitAll();
    told.tell({ kind: 'cancel', by: { name: 'me', via: 'cli' }, why: null });
    told.pass('report', page);
    told.now += 1;
    expect(told.admitAll()).toEqual(['report']);
    told.pass('report', page);
    expect(told.admitAll()).toEqual(['clean']);
  });
});

describe('a command given to a plan as somebody saw it', () => {
  it('is refused when the plan has moved since, with where it is', () => {
    const story = new PlanStory(aPlan([aStep('a')]));
    const by = { name: 'me', via: 'rest' };
    const seq = story.state.seq;
    story.admitAll();
    expect(story.tell({ kind: 'cancel', by, why: null, expectedSeq: seq })).toMatchObject({
      status: 'refused',
      code: 'seq-stale',
      actualSeq: seq + 1,
    });
    expect(story.tell({ kind: 'cancel', by, why: null, expectedSeq: seq + 1 })).toMatchObject({
      status: 'applied',
    });
  });
});
