import type { LedgerEvent } from '../fleet/fleet-client.ts';
import type { Shape } from '../load/shape.ts';
import { judgePlan, type PlanEvidence } from './judge-plan.ts';
import { readWitness } from './witness.ts';

const TOKEN = '0123456789ab';

const shape: Shape = {
  name: 'wide',
  text: '',
  branch: 'chaos/1',
  ends: 'completed',
  marks: ['one', 'two'],
  files: {},
  outcomes: {},
  attempts: {},
  cancelAfterMs: null,
};

/** `one`, then `two`, which needs it and shares a lock; `one` loses its first lease to a late worker. */
function story(): LedgerEvent[] {
  const step = (ordinal: number, name: string) => ({ ordinal, name, kind: 'run', definition: ordinal - 1 });
  const definition = (name: string, needs: string[]) => ({ name, needs, locks: ['narrow'], attempts: 2 });
  const commit = (lease: string) => ({ sha: 'abc', ref: `refs/skein/p/${lease}-${TOKEN}/1` });
  const events: [string, Record<string, unknown>][] = [
    [
      'plan.submitted',
      { definition: { steps: [definition('one', []), definition('two', ['one'])], maxLeases: 3 } },
    ],
    ['plan.expanded', { steps: [step(1, 'one'), step(2, 'two')] }],
    ['step.admitted', { ordinal: 1, epoch: 1 }],
    ['lease.granted', { ordinal: 1, epoch: 1, worker: 'w1' }],
    ['lease.lost', { ordinal: 1, epoch: 1, worker: 'w1', counts: true }],
    ['step.admitted', { ordinal: 1, epoch: 2 }],
    ['lease.granted', { ordinal: 1, epoch: 2, worker: 'w2' }],
    ['result.late', { ordinal: 1, epoch: 1, worker: 'w1', message: 'attempt' }],
    ['attempt.finished', { ordinal: 1, epoch: 2, worker: 'w2', attempt: 1, verdict: 'rejected' }],
    [
      'attempt.finished',
      { ordinal: 1, epoch: 2, worker: 'w2', attempt: 2, verdict: 'accepted', commit: commit('s1/2') },
    ],
    ['step.passed', { ordinal: 1, epoch: 2, worker: 'w2', commit: null }],
    ['step.admitted', { ordinal: 2, epoch: 1 }],
    [
      'attempt.finished',
      { ordinal: 2, epoch: 1, worker: 'w1', attempt: 1, verdict: 'accepted', commit: commit('s2/1') },
    ],
    ['step.passed', { ordinal: 2, epoch: 1, worker: 'w1', commit: null }],
    ['plan.completed', {}],
    ['plan.closed', {}],
  ];
  return events.map(([type, data], index) => ({ seq: index + 1, at: '', type, data }));
}

function evidence(): PlanEvidence {
  const witness = [
    `s1 1 1 w1 1 ${TOKEN} work`,
    `s1 2 1 w2 1 ${TOKEN} work`,
    `s1 2 2 w2 1 ${TOKEN} work`,
    `s2 1 1 w1 1 ${TOKEN} work`,
  ];
  return {
    shape: structuredClone(shape),
    summary: {
      planId: 'p',
      status: 'completed',
      closed: true,
      reason: null,
      integration: { branch: 'chaos/1', sha: 'abc', state: 'published' },
    },
    events: story(),
    witness: readWitness(witness.map((line) => `p ${line}`).join('\n')).lines,
    branch: {
      sha: 'abc',
      files: { 'README.md': '# Chaos\n', 'out/one.txt': '2 2\n', 'out/two.txt': '1 1\n' },
    },
  };
}

/** Each is one way in which the product could break its promises. */
const lies: Record<string, [change: (e: PlanEvidence) => void, says: RegExp]> = {
  'a step passes twice': [(e) => repeat(e, 'step.passed'), /has ended as passed before/],
  'a lost lease’s attempt is applied': [
    (e) => Object.assign(e.events[8]!.data, { epoch: 1, worker: 'w1' }),
    /is of epoch 1, one is at 2/,
  ],
  'another worker’s result is applied': [
    (e) => (e.events[10]!.data['worker'] = 'w9'),
    /is of w9, w2 holds one/,
  ],
  'a step starts before its need': [(e) => move(e, 11, 7), /two needs one, which is open/],
  'a lock is held twice': [(e) => move(e, 11, 7), /two got the lock narrow that one holds/],
  'a step is admitted while it runs': [(e) => e.events.splice(4, 1), /is under way already/],
  'an epoch is used again': [(e) => (e.events[5]!.data['epoch'] = 1), /epoch 1 follows 1/],
  'an attempt is not counted': [(e) => (e.events[9]!.data['attempt'] = 1), /attempt 1 follows 1/],
  'more attempts are used than given': [
    (e) => ((e.events[0]!.data['definition'] as { steps: { attempts: number }[] }).steps[0]!.attempts = 1),
    /has used 2 of 1 attempts/,
  ],
  'an event is missing': [(e) => e.events.splice(3, 1), /is the 4th event/],
  'it is never closed': [(e) => e.events.pop(), /does not end with plan.closed/],
  'it ends otherwise than its text demands': [
    (e) => (e.shape.ends = 'halted'),
    /it ended as completed, not halted/,
  ],
  'it completes with an open step': [(e) => e.events.splice(13, 1), /it completed while two is open/],
  'a step ends otherwise': [(e) => (e.shape.outcomes = { two: 'blocked' }), /two is passed, not blocked/],
  'other attempts were used': [(e) => (e.shape.attempts = { one: 3 }), /one used 2 attempts, not 3/],
  'accepted work never ran': [(e) => e.witness.splice(3, 1), /was accepted and ran 0 times/],
  'accepted work ran twice': [(e) => e.witness.push(e.witness[3]!), /ran twice/],
  'accepted work ran again in another life': [
    (e) => e.witness.push({ ...e.witness[3]!, life: 2 }),
    /was accepted and ran 2 times/,
  ],
  'another lease’s work was accepted': [
    (e) => (e.witness[3]!.token = 'ffffffffffff'),
    /was accepted and ran 0 times/,
  ],
  'something ran that was never admitted': [(e) => (e.witness[0]!.epoch = 7), /the ledger never admitted it/],
  'the branch has another head': [(e) => (e.branch!.sha = 'def'), /the branch is at def/],
  'the branch is missing': [(e) => (e.branch = null), /there is no branch/],
  'the branch has the work of another lease': [
    (e) => (e.branch!.files['out/one.txt'] = '1 1\n'),
    /has "1 1\\n" in out\/one.txt/,
  ],
  'the branch has a file too many': [(e) => (e.branch!.files['stray'] = ''), /has "" in stray/],
};

function repeat(e: PlanEvidence, type: string): void {
  const index = e.events.findIndex((event) => event.type === type);
  e.events.splice(index + 1, 0, e.events[index]!);
}

function move(e: PlanEvidence, from: number, to: number): void {
  e.events.splice(to, 0, ...e.events.splice(from, 1));
}

describe('the judge of a plan', () => {
  it('has nothing to say of a plan that kept every promise', () => {
    expect(judgePlan(evidence()).violations).toEqual([]);
  });

  it('counts what was lost, late and tried', () => {
    expect(judgePlan(evidence()).replayed).toMatchObject({ leasesLost: 1, lateResults: 1, attempts: 3 });
  });

  it.each(Object.entries(lies))('finds it when %s', (_, [change, says]) => {
    const changed = evidence();
    change(changed);
    expect(judgePlan(changed).violations.join('\n')).toMatch(says);
  });

  it('lets a job that was sent again be done again, in a lease of its own, as long as one is accepted', () => {
    const again = evidence();
    again.witness.push({ ...again.witness[3]!, token: 'ffffffffffff' });
    expect(judgePlan(again).violations).toEqual([]);
  });

  it('takes a cancelled plan that had been integrated before', () => {
    const late = evidence();
    late.shape.ends = 'cancelled';
    expect(judgePlan(late).violations).toEqual([]);
  });
});

describe('the witness file', () => {
  it('is read line by line, and a line that no step can have written is named', () => {
    expect(readWitness('p s3 2 1 w4 7 0123456789ab poison\nnonsense\n')).toEqual({
      lines: [
        {
          planId: 'p',
          ordinal: 3,
          epoch: 2,
          attempt: 1,
          worker: 'w4',
          life: 7,
          token: TOKEN,
          word: 'poison',
        },
      ],
      broken: ['nonsense'],
    });
  });
});
