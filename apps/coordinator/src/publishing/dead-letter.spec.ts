import { evolve, initialPlanState, type PlanEvent, type PlanState } from '#domain';
import { EMPTY_HEAD, InMemoryLedger } from '#ledger';
import { aPlan, aStep } from '#testing';
import { deadLetter, historyOf } from './dead-letter.ts';

const PLAN = 'plan00000001';
const AT = '2026-11-21T00:00:00.000Z';
const BY = { name: 'me', via: 'cli' };
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
        logKey: null,
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

describe('the copy of a dead letter', () => {
  it('says what the step is, what happened to it alone, what it said last', async () => {
    const { plan, ledger } = await told('make it', 'the last words');
    expect(deadLetter(plan, 0)).toMatchObject({
      planName: 'letters',
      step: 's0',
      definition: { name: 'pill', work: { commands: ['make it'] } },
      attemptsUsed: 1,
      leasesLost: 1,
      lastOutput: 'the last words',
    });
    const history = await historyOf(ledger, PLAN, { ordinal: 0, headSeq: plan.seq });
    expect(history.map(({ seq, type }) => [seq, type])).toEqual([
      [4, 'step.admitted'],
      [5, 'lease.granted'],
      [6, 'attempt.finished'],
      [7, 'lease.lost'],
    ]);
    expect(history[2]!.data).toMatchObject({ attempt: 1, feedback: 'the last words' });
    expect(deadLetter(plan, 1)).toMatchObject({ definition: { name: 'other' }, lastOutput: null });
  });

  it('leaves out what is too long for a message, and keeps the end of the output', async () => {
    const { plan, ledger } = await told('x'.repeat(900_000), `${'y'.repeat(65_000)} the last words`);
    const history = await historyOf(ledger, PLAN, { ordinal: 0, headSeq: plan.seq });
    const letter = { ...deadLetter(plan, 0), history };
    expect(letter.definition).toBeNull();
    expect(letter.lastOutput).toMatch(/y the last words$/);
    expect(history.map(({ data }) => data === null)).toEqual([false, false, true, false]);
    expect(JSON.stringify(letter).length).toBeLessThan(100_000);
  });
});
