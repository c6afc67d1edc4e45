import { evolve, initialPlanState, type PlanEvent, type PlanState } from '#domain';
import { EMPTY_HEAD, InMemoryLedger } from '#ledger';
import { aPlan, aStep } from '#testing';
import { readPast } from './dead-letter-past.ts';
import { deadLetter, poisonedStep } from './dead-letter.ts';

const PLAN = 'plan00000001';
const AT = '2026-11-21T00:00:00.000Z';
const BY = { name: 'me', via: 'cli' };
const FACTS = { trusted: false, traceparent: null, maxSteps: 10 };
const REASON = { code: 'leases-used-up', message: 'its worker was lost 3 times' };

function story(script: string, feedback: string): PlanEvent[] {
  const step = aStep({ name: 'pill', work: { kind: 'run', commands: [script], script: null } });
  const definition = aPlan({ name: 'letters', steps: [step, aStep({ name: 'other' })] });
  const instances = ['pill', 'other'].map((name, ordinal) => ({
    ordinal,
    name,
    kind: ordinal === 0 ? ('run' as const) : ('noop' as const),
    definition: ordinal,
    matrix: null,
  }));
  return [
    {
      type: 'plan.submitted',
      data: { tenant: 'local', definition, digest: 'd', idempotencyKey: 'k', by: BY, traceparent: null },
    },
    { type: 'plan.expanded', data: { baseSha: null, steps: instances, texts: {} } },
    { type: 'step.admitted', data: { ordinal: 1, epoch: 1 } },
    { type: 'step.admitted', data: { ordinal: 0, epoch: 1 } },
    { type: 'lease.granted', data: { ordinal: 0, epoch: 1, worker: 'w1', tokenDigest: 't' } },
    {
      type: 'attempt.finished',
      data: {
        ordinal: 0,
        epoch: 1,
        worker: 'w1',
        attempt: 1,
        startedAt: AT,
        durationMs: 5,
        verdict: 'rejected',
        reason: { code: 'run-failed', message: 'it exited with 1' },
        commit: null,
        feedback,
        diffstat: null,
        logKey: `${PLAN}/s0/1-1.log`,
        diffKey: null,
        traceparent: null,
      },
    },
    {
      type: 'lease.lost',
      data: { ordinal: 0, epoch: 1, worker: 'w1', reason: REASON, counts: true, notBefore: null },
    },
  ];
}

async function told(script: string, feedback: string): Promise<{ plan: PlanState; ledger: InMemoryLedger }> {
  const events = story(script, feedback);
  const plan = initialPlanState(PLAN);
  for (const event of events) evolve(plan, event, Date.parse(AT));
  const ledger = new InMemoryLedger();
  await ledger.terms.campaign('me');
  await ledger.appendAll(1, [{ planId: PLAN, expected: EMPTY_HEAD, at: AT, traceparent: null, events }]);
  return { plan, ledger };
}

async function letterOf(plan: PlanState, ledger: InMemoryLedger, ordinal: number) {
  const pasts = await readPast(ledger, PLAN, { ordinals: [ordinal], headSeq: plan.seq });
  return deadLetter(plan, poisonedStep(plan, ordinal, 1, REASON), pasts.get(ordinal)!, FACTS);
}

describe('the copy of a dead letter', () => {
  it('says what the step is, what happened to it alone, what it said last', async () => {
    const { plan, ledger } = await told('make it', 'the last words');
    const letter = await letterOf(plan, ledger, 0);
    expect(letter).toMatchObject({
      planName: 'letters',
      step: 's0',
      definition: { name: 'pill', work: { commands: ['make it'] } },
      attemptsUsed: 1,
      leasesLost: 1,
      lastOutput: 'the last words',
      leftOut: [],
    });
    expect(letter.history.map(({ seq, type }) => [seq, type])).toEqual([
      [4, 'step.admitted'],
      [5, 'lease.granted'],
      [6, 'attempt.finished'],
      [7, 'lease.lost'],
    ]);
    expect(letter.history[2]!.data).toMatchObject({ attempt: 1, feedback: 'the last words' });
    expect(await letterOf(plan, ledger, 1)).toMatchObject({
      definition: { name: 'other' },
      lastOutput: null,
      lastAttempt: null,
      lastLease: null,
    });
  });

  it('holds the job as its workers got it, and where the logs of its last attempt and its last lease are', async () => {
    const { plan, ledger } = await told('make ${{ plan.id }}', 'the last words');
    const letter = await letterOf(plan, ledger, 0);
    expect(letter.job).toMatchObject({
      planId: PLAN,
      ordinal: 0,
      epoch: 1,
      baseSha: null,
      work: {
        kind: 'run',
        attempt: 2,
        inputs: [],
        previous: { feedback: 'the last words' },
        task: { kind: 'run', commands: [expect.stringContaining('SKEIN_VALUE_')] },
      },
    });
    expect(Object.values((letter.job!.work as { values: object }).values)).toEqual([PLAN]);
    expect(letter.lastAttempt).toMatchObject({ attempt: 1, worker: 'w1', logKey: `${PLAN}/s0/1-1.log` });
    expect(letter.lastLease).toEqual({ epoch: 1, worker: 'w1', logKey: `${PLAN}/s0/2-1.log` });
  });

  it('leaves out what is too long for a message and says so, and keeps the end of the output', async () => {
    const { plan, ledger } = await told('x'.repeat(900_000), `${'y'.repeat(65_000)} the last words`);
    const letter = await letterOf(plan, ledger, 0);
    expect(letter).toMatchObject({ definition: null, job: null, leftOut: ['definition', 'job'] });
    expect(letter.lastOutput).toMatch(/y the last words$/);
    expect(letter.history.map(({ data }) => data === null)).toEqual([false, false, true, false]);
    expect(JSON.stringify(letter).length).toBeLessThan(100_000);
  });

  it.each([
    ['characters of three bytes', '\u2603', 45_000, 1_000],
    ['control characters, which take six', '\u0007', 12_000, 580],
  ])('is smaller than what NATS takes by default: %s', async (_what, character, ofScript, ofReason) => {
    const { plan, ledger } = await told(character.repeat(ofScript), character.repeat(65_000));
    const headSeq = plan.seq;
    const pasts = await readPast(ledger, PLAN, { ordinals: [0], headSeq });
    const past = pasts.get(0)!;
    const data = { ordinal: 0, message: character.repeat(ofReason * 0.8) };
    const history = Array.from({ length: 100 }, (_, seq) => ({ seq, at: AT, type: 'lease.lost', data }));
    const reason = { code: 'c', message: character.repeat(100_000) };
    const values = Array.from({ length: 10_000 }, () => character);
    const step = poisonedStep(plan, 0, 1, reason);
    const instance = { ...step.instance, matrix: { files: values } as never };
    const letter = deadLetter(plan, { ...step, instance }, { ...past, history }, FACTS);
    const bytes = Buffer.byteLength(JSON.stringify(letter));
    expect(letter.definition).not.toBeNull();
    expect(letter.leftOut).toContain('matrix');
    expect(bytes).toBeGreaterThan(400_000);
    expect(bytes).toBeLessThan(1_000_000);
  });
});
