import { PlanStory, REPO, T0, aPlan, aStep } from '../testing/plan-story.ts';
import { decide } from './decide.ts';
import type { StepDefinition, StepWork } from './definition.ts';
import { inputCommits } from './inputs-of.ts';
import type { PlanInput } from './input.ts';
import type { PlanState } from './state.ts';

describe('a plan without a repository', () => {
  it('runs a chain in order and ends in the append of its last result', () => {
    const story = new PlanStory(aPlan([aStep('a'), aStep('b', ['a'])]));
    expect(story.admitAll()).toEqual(['a']);
    story.pass('a');
    expect(story.admitAll()).toEqual(['b']);
    story.pass('b');
    expect(story.types()).toEqual([
      'plan.submitted',
      'plan.expanded',
      'step.admitted',
      'step.passed',
      'step.admitted',
      'step.passed',
      'plan.completed',
      'plan.closed',
    ]);
  });

  it('joins a matrix only when its last step has passed', () => {
    const story = new PlanStory(
      aPlan([
        aStep('leaf', [], { matrix: { kind: 'list', values: ['x', 'y', 'z'] } }),
        aStep('join', ['leaf']),
      ]),
    );
    expect(story.admitAll()).toEqual(['leaf[x]', 'leaf[y]', 'leaf[z]']);
    story.pass('leaf[z]');
    story.pass('leaf[x]');
    expect(story.admitAll()).toEqual([]);
    story.pass('leaf[y]');
    expect(story.admitAll()).toEqual(['join']);
  });

  it('treats a matrix over nothing as met, through several groups', () => {
    const empty = { matrix: { kind: 'list' as const, values: [] } };
    const story = new PlanStory(
      aPlan([aStep('none', [], empty), aStep('none-too', ['none'], empty), aStep('end', ['none-too'])]),
    );
    expect(story.admitAll()).toEqual(['end']);
  });

  it('takes a repeated submission as the same plan, and refuses another text under the same key', () => {
    const definition = aPlan([aStep('a')]);
    const story = new PlanStory(definition);
    const submission = { ...story.state.submitted! };
    const before = story.events.length;
    expect(story.tell({ kind: 'submit', submission })).toEqual({ status: 'applied', next: 'stop' });
    expect(story.tell({ kind: 'submit', submission: { ...submission, digest: 'd2' } })).toMatchObject({
      status: 'refused',
      code: 'idempotency-key-reused',
    });
    expect(story.events).toHaveLength(before);
  });
});

describe('a lease', () => {
  it('belongs to the first worker that claims it; anyone else is told that it is lost', () => {
    const story = new PlanStory(aPlan([aStep('a')]));
    story.admitAll();
    expect(story.claim('a', 'token-1', 'w1')).toEqual({ status: 'applied', next: 'continue' });
    expect(story.claim('a', 'token-1', 'w1')).toEqual({ status: 'applied', next: 'continue' });
    expect(story.claim('a', 'token-2', 'w1').status).toBe('lost');
    expect(story.claim('a', 'token-1', 'w2').status).toBe('lost');
    expect(story.types().filter((type) => type === 'lease.granted')).toHaveLength(1);
  });

  it('fences a worker that lost it: the late result is recorded once and changes nothing', () => {
    const story = new PlanStory(aPlan([aStep('a')]));
    story.admitAll();
    story.claim('a');
    const zombie = story.lease('a');
    story.expire('a');
    story.now += 120_000;
    story.admitAll();
    const late: PlanInput = {
      kind: 'passed',
      lease: zombie,
      commit: null,
      outputs: {},
      resolved: null,
      candidate: null,
    };
    expect(story.tell(late).status).toBe('lost');
    expect(story.tell(late).status).toBe('lost');
    expect(story.types().filter((type) => type === 'result.late')).toHaveLength(1);
    expect(story.step('a')).toMatchObject({ status: 'admitted', epoch: 2 });
    story.claim('a', 'token-2', 'w2');
    expect(story.step('a').holder?.worker).toBe('w2');
  });

  it('answers a repeated result of the lease that ended the step as applied', () => {
    const story = new PlanStory(aPlan([aStep('a'), aStep('b', ['a'])]));
    story.admitAll();
    story.pass('a');
    const before = story.events.length;
    expect(story.pass('a')).toEqual({ status: 'applied', next: 'stop' });
    expect(story.events).toHaveLength(before);
  });

  it('is issued again with a new epoch after a backoff, and poisons the step when it is lost too often', () => {
    const story = new PlanStory(aPlan([aStep('a'), aStep('b', ['a']), aStep('c')], { maxLeases: 2 }));
    story.admitAll();
    story.claim('a');
    story.expire('a');
    expect(story.admitAll()).toEqual([]);
    story.now += 1_000;
    expect(story.admitAll()).toEqual(['a']);
    expect(story.step('a').epoch).toBe(2);
    story.claim('a');
    story.expire('a');
    expect(story.step('a').status).toBe('poisoned');
    story.pass('c');
    expect(story.types().slice(-2)).toEqual(['plan.halted', 'plan.closed']);
    expect(story.events.find((event) => event.type === 'plan.halted')).toMatchObject({
      data: {
        reason: { message: expect.stringContaining('a (s0) is poisoned: its worker was lost 2 times') },
      },
    });
  });

  it('that nobody claimed counts as lost in the end, unless a claim came first', () => {
    const story = new PlanStory(aPlan([aStep('a')], { maxLeases: 1 }));
    story.admitAll();
    const { ordinal, epoch } = story.lease('a');
    const reason = { code: 'never-claimed', message: 'never claimed' };
    const input = { kind: 'lease-expired' as const, ordinal, epoch, counts: true, reason, jitter: 0.5 };
    const other = new PlanStory(aPlan([aStep('a')], { maxLeases: 1 }));
    other.admitAll();
    other.claim('a');
    other.tell({ ...input, unclaimedOnly: true });
    expect(other.step('a').status).toBe('leased');
    story.tell({ ...input, unclaimedOnly: true });
    expect(story.step('a').status).toBe('poisoned');
  });

  it('that was lost while nobody decided does not count and is issued again at once', () => {
    const story = new PlanStory(aPlan([aStep('a')], { maxLeases: 1 }));
    story.admitAll();
    story.claim('a');
    for (let round = 0; round < 5; round += 1) {
      story.expire('a', false);
      expect(story.admitAll()).toEqual(['a']);
      story.claim('a');
    }
    expect(story.step('a')).toMatchObject({ status: 'leased', leasesLost: 0, epoch: 6 });
  });

  it('that is given back for a fault waits longer each time, and blocks the step in the end', () => {
    const story = new PlanStory(aPlan([aStep('a')]));
    for (let fault = 1; fault <= 6; fault += 1) {
      expect(story.admitAll()).toEqual(['a']);
      const reason = { code: 'remote-unreachable', message: 'cannot reach the repository' };
      story.tell({
        kind: 'release',
        lease: story.lease('a', `t${fault}`),
        cause: 'fault',
        reason,
        jitter: 1,
      });
      expect(story.admitAll()).toEqual([]);
      story.now += 60_000;
    }
    expect(story.step('a')).toMatchObject({ status: 'blocked', reason: { code: 'fault-persists' } });
    expect(story.state.status).toBe('halted');
  });

  it('that workers older than the coordinator do not know waits for a newer one, however many give it back', () => {
    const story = new PlanStory(aPlan([aStep('a')]));
    const reason = { code: 'unknown-work', message: 'this worker is older than its coordinator' };
    for (let times = 1; times <= 20; times += 1) {
      expect(story.admitAll()).toEqual(['a']);
      story.tell({
        kind: 'release',
        lease: story.lease('a', `t${times}`),
        cause: 'fault',
        reason,
        jitter: 1,
      });
      // Not at once: it would go round and round.
      expect(story.admitAll()).toEqual([]);
      story.now += 300_000;
    }
    expect(story.step('a')).toMatchObject({ status: 'ready', leasesLost: 0, reason });
    // Nor does it count when something else is wrong once a newer worker has come.
    expect(story.admitAll()).toEqual(['a']);
    const fault = { code: 'remote-unreachable', message: 'cannot reach the repository' };
    const lease = story.lease('a', 'newer');
    story.tell({ kind: 'release', lease, cause: 'fault', reason: fault, jitter: 1 });
    expect(story.step('a')).toMatchObject({ status: 'ready', notBefore: story.now + 1_000 });
  });
});

describe('attempts', () => {
  const loop = { work: { kind: 'run' as const, commands: ['true'], script: null } };

  it('are counted by the ledger across leases, and the next lease is given the last feedback', () => {
    const story = new PlanStory(aPlan([aStep('a', [], loop)]));
    story.admitAll();
    expect(story.attempt('a', 1, 'rejected')).toEqual({ status: 'applied', next: 'continue' });
    story.expire('a', false);
    story.admitAll();
    expect(story.step('a')).toMatchObject({ attemptsUsed: 1, previous: { feedback: 'feedback 1' } });
    story.attempt('a', 2, 'rejected', story.lease('a', 'token-2'));
    expect(story.attempt('a', 3, 'accepted', story.lease('a', 'token-2'))).toEqual({
      status: 'applied',
      next: 'stop',
    });
    expect(story.step('a')).toMatchObject({ status: 'passed', attemptsUsed: 3, previous: null });
  });

  it('block the step when they are used up, saying what the last one failed on', () => {
    const story = new PlanStory(aPlan([aStep('a', [], { ...loop, attempts: 2 })]));
    story.admitAll();
    story.attempt('a', 1, 'rejected');
    expect(story.attempt('a', 2, 'rejected')).toEqual({ status: 'applied', next: 'stop' });
    expect(story.step('a').reason).toEqual({
      code: 'attempts-used-up',
      message: 'all 2 attempts were rejected; the last one: npm test exited 1',
    });
  });

  it('that are repeated or skipped do not count twice', () => {
    const story = new PlanStory(aPlan([aStep('a', [], loop)]));
    story.admitAll();
    story.attempt('a', 1, 'rejected');
    expect(story.attempt('a', 1, 'rejected')).toEqual({ status: 'applied', next: 'continue' });
    expect(story.attempt('a', 3, 'rejected')).toMatchObject({
      status: 'refused',
      code: 'attempt-out-of-order',
    });
    expect(story.step('a').attemptsUsed).toBe(1);
  });
});

describe('a repository plan', () => {
  const glob = { matrix: { kind: 'glob' as const, include: ['*.js'], exclude: [], chunk: 2 } };
  const resolved = { baseSha: 'b'.repeat(40), files: { '0': ['a.js', 'b.js', 'c.js'] }, texts: {} };
  const candidate = {
    branch: 'team/change',
    commit: { sha: 'c'.repeat(40), ref: 'refs/skein/p/s3/1-t/merge' },
    expectedOld: null,
    baseSha: 'b'.repeat(40),
    diffstat: null,
  };

  function resolvedStory(): PlanStory {
    const story = new PlanStory(
      aPlan([aStep('convert', [], { ...glob, work: { kind: 'run', commands: ['x'], script: null } })], REPO),
    );
    expect(story.admitAll()).toEqual(['resolve']);
    story.pass('resolve', { resolved });
    return story;
  }

  it('expands its globs in the append of what resolved them', () => {
    const story = resolvedStory();
    expect(story.types().slice(-2)).toEqual(['step.passed', 'plan.expanded']);
    expect(story.admitAll()).toEqual(['convert[1/2]', 'convert[c.js]']);
  });

  it.each([
    [
      'the files of a glob',
      { files: {}, texts: { 'rules.yml': 'rule' } },
      /files the matrix of convert matches/,
    ],
    ['a text', { texts: {} }, /text of rules.yml is missing/],
  ])('refuses a resolution that leaves out %s: it could never be taken back', (_what, incomplete, why) => {
    const work: StepWork = {
      kind: 'codemod',
      engine: 'ast-grep',
      language: 'JavaScript',
      rules: { file: 'rules.yml' },
      files: [],
      unparsable: 'report',
    };
    const story = new PlanStory(aPlan([aStep('convert', [], { ...glob, work })], REPO));
    story.admitAll();
    expect(story.pass('resolve', { resolved: { ...resolved, ...incomplete } })).toMatchObject({
      status: 'refused',
      reason: expect.stringMatching(why),
    });
    expect(story.state.expanded).toBe(false);
  });

  it('accepts no candidate for another branch than its own', () => {
    const story = resolvedStory();
    story.admitAll();
    story.attempt('convert[1/2]', 1, 'accepted');
    story.attempt('convert[c.js]', 1, 'accepted');
    story.admitAll();
    const elsewhere = { ...candidate, branch: 'main' };
    expect(story.pass('integrate', { commit: candidate.commit, candidate: elsewhere })).toMatchObject({
      status: 'refused',
      reason: 'the plan integrates into team/change, not into main',
    });
    expect(story.state.integration).toBeNull();
  });

  it('accepts an integration before anyone publishes it, then cleans up and closes', () => {
    const story = resolvedStory();
    story.admitAll();
    story.attempt('convert[1/2]', 1, 'accepted');
    story.attempt('convert[c.js]', 1, 'accepted');
    expect(story.admitAll()).toEqual(['integrate']);
    story.pass('integrate', { commit: candidate.commit, candidate });
    expect(story.types().slice(-2)).toEqual(['step.passed', 'integration.accepted']);
    expect(story.admitAll()).toEqual(['publish']);
    story.pass('publish');
    expect(story.types().slice(-2)).toEqual(['integration.published', 'plan.completed']);
    expect(story.admitAll()).toEqual(['clean']);
    story.pass('clean');
    expect(story.types().at(-1)).toBe('plan.closed');
  });

  it('refuses to cancel once the integration is accepted, and says how to undo it', () => {
    const story = resolvedStory();
    story.admitAll();
    story.attempt('convert[1/2]', 1, 'accepted');
    story.attempt('convert[c.js]', 1, 'accepted');
    story.admitAll();
    story.pass('integrate', { commit: candidate.commit, candidate });
    expect(story.tell({ kind: 'cancel', by: { name: 'me', via: 'cli' }, why: null })).toMatchObject({
      status: 'refused',
      code: 'integration-accepted',
    });
  });

  it('publishes nothing when no step changed anything', () => {
    const story = resolvedStory();
    story.admitAll();
    story.attempt('convert[1/2]', 1, 'accepted');
    story.attempt('convert[c.js]', 1, 'accepted');
    story.admitAll();
    story.pass('integrate');
    expect(story.step('publish').status).toBe('skipped');
    expect(story.state.status).toBe('completed');
  });

  it('that is cancelled ends every lease in the same append and tells the workers', () => {
    const story = resolvedStory();
    story.admitAll();
    story.claim('convert[1/2]');
    const decision = decide(
      story.state,
      { kind: 'cancel', by: { name: 'me', via: 'cli' }, why: 'wrong repo' },
      T0,
    );
    expect(decision.events.map((event) => event.type)).toEqual(['plan.cancelled']);
    expect(decision.aborts).toMatchObject([{ worker: 'w1', ordinal: 1 }]);
    expect(story.attempt('convert[1/2]', 1, 'accepted').status).toBe('lost');
    expect(story.state.inFlight).toBe(0);
  });

  it('halts when its repository cannot be resolved, with that reason', () => {
    const story = new PlanStory(
      aPlan([aStep('a', [], { work: { kind: 'run', commands: ['x'], script: null } })], REPO),
    );
    story.admitAll();
    const reason = { code: 'base-unknown', message: 'the repository has no branch, tag or commit "mian"' };
    story.tell({ kind: 'blocked', lease: story.lease('resolve'), reason });
    expect(story.state).toMatchObject({ status: 'halted', closed: true });
    expect(story.events.find((event) => event.type === 'plan.halted')).toMatchObject({
      data: { reason: { message: expect.stringContaining('no branch, tag or commit "mian"') } },
    });
  });
});

describe('a plan that is one long chain', () => {
  const LENGTH = 20_000;
  const chain = (rest: (index: number) => Partial<StepDefinition>) =>
    Array.from({ length: LENGTH }, (_, index) =>
      aStep(`n${index}`, index === 0 ? [] : [`n${index - 1}`], rest(index)),
    );

  it('completes at once when all of it is matrices over nothing', () => {
    const story = new PlanStory(aPlan(chain(() => ({ matrix: { kind: 'list', values: [] } }))));
    expect(story.state).toMatchObject({ status: 'completed', closed: true });
  });

  it('finds the commits behind all its joins', () => {
    const run: StepWork = { kind: 'run', commands: ['x'], script: null };
    const ends = (index: number) => index === 0 || index === LENGTH - 1;
    const story = new PlanStory(aPlan(chain((index) => (ends(index) ? { work: run } : {}))));
    const { steps } = story.state;
    steps[0]!.commit = { sha: 'a'.repeat(40), ref: 'refs/x' };
    expect(inputCommits(story.state, LENGTH - 1)).toEqual([
      { ordinal: 0, stepName: 'n0', commit: steps[0]!.commit },
    ]);
  });
});

describe('replay', () => {
  it('makes the state that deciding made', () => {
    const story = new PlanStory(aPlan([aStep('a'), aStep('b', ['a']), aStep('c', ['a'])], { maxLeases: 2 }));
    story.admitAll();
    story.claim('a');
    story.expire('a');
    story.now += 60_000;
    story.admitAll();
    story.pass('a');
    story.admitAll();
    // What was admitted, and what came due, is dropped from the lanes and heaps when it is next looked for.
    const strip = ({ lanes, delayed: _, sleepers: __, steps, inFlightByPool, ...rest }: PlanState) => ({
      ...rest,
      steps: steps.map(({ lane, ...step }) => ({ ...step, pool: lane.pool })),
      inFlightByPool: [...inFlightByPool],
      pools: [...lanes.pools()],
    });
    expect(strip(story.replayed())).toEqual(strip(story.state));
  });
});
