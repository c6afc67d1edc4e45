import assert from 'node:assert/strict';
import { EVENT_VERSION, type PlanEvent } from '#domain';
import { BODY_VERSION, EMPTY_HEAD } from '../chain/event-body.ts';
import { verifyChain } from '../chain/verify-chain.ts';
import { formatCursor, parseCursor, TAIL_START } from '../cursor.ts';
import { InvalidAppendError, TermLostError } from '../errors.ts';
import type { Append, AppendResult, Head, Ledger, StoredEvent, TailCursor } from '../ledger.ts';
import type { Terms } from '../terms.ts';

/** A fresh ledger, and what no caller of it could do by itself. */
export interface LedgerUnderTest {
  ledger: Ledger;
  terms: Terms;
  /** Another writer that has written but not committed; a ledger without transactions may commit it at once. */
  openRival: (append: Append) => Promise<Rival>;
  /** Lets the ttl pass for whoever holds the term. */
  silence: () => Promise<void>;
}

export interface Rival {
  /** Resolves when another writer waits for this one; at once for a ledger without transactions. */
  blocks(): Promise<void>;
  commit(): Promise<void>;
}

/** One sentence that every ledger must make true. Rejects when it is not. */
export interface ContractCase {
  story: string;
  run(under: LedgerUnderTest): Promise<void>;
}

const AT = '2026-11-20T12:00:00.000Z';

/** Plain data and node:assert, so that a test can also run it against ledgers that must fail it. */
export const LEDGER_CONTRACT: ContractCase[] = [
  {
    story: 'a plan begins at seq 1, chained to 64 zeros',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      assert.deepEqual(await ledger.head('plan1'), { seq: 0, hash: '0'.repeat(64) });
      const head = await appended(ledger, term, append('plan1', EMPTY_HEAD, [admitted(1), admitted(2)]));
      const events = await ledger.read('plan1', 0, 10);
      assert.deepEqual(
        events.map(({ seq, prevHash }) => ({ seq, prevHash })),
        [
          { seq: 1, prevHash: '0'.repeat(64) },
          { seq: 2, prevHash: events[0]?.hash },
        ],
      );
      assert.deepEqual(head, { seq: 2, hash: events[1]?.hash });
      assert.deepEqual(await ledger.head('plan1'), head);
      assert.deepEqual(await ledger.head('plan2'), EMPTY_HEAD);
    },
  },
  {
    story: 'events come back as they went in, whatever characters they hold',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const event = passed(1, {
        nul: 'a\0b',
        lone: '\ud800 and \udfff',
        pair: '\u{1f9f6}',
        quotes: `'"\\ {} NULL \r\n \u2028`,
        z: 1,
        a: [null, true, -1.5, { '': '' }],
      });
      await appended(ledger, term, { ...append('plan1', EMPTY_HEAD, [event]), traceparent: '00-ab-cd-01' });
      const [stored] = await ledger.read('plan1', 0, 10);
      assert.deepEqual(stored?.event, event);
      assert.equal(stored.at, AT);
      assert.equal(stored.traceparent, '00-ab-cd-01');
      assert.equal(
        stored.body,
        `{"v":${BODY_VERSION},"plan":"plan1","seq":1,"type":"step.passed","at":"${AT}","trace":"00-ab-cd-01","data":${JSON.stringify(event.data)}}`,
      );
      assert.equal(verifyChain('plan1', [stored]).ok, true);
    },
  },
  {
    story: 'an append that expects an old head is told the actual one and writes nothing',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const first = await appended(ledger, term, append('plan1', EMPTY_HEAD, [admitted(1)]));
      const actual = await appended(ledger, term, append('plan1', first, [admitted(2)]));
      for (const stale of [EMPTY_HEAD, first]) {
        const results = await ledger.appendAll(term, [append('plan1', stale, [admitted(3), admitted(4)])]);
        assert.deepEqual(results, [{ planId: 'plan1', status: 'conflict', actual }]);
      }
      assert.equal((await ledger.read('plan1', 0, 10)).length, 2);
    },
  },
  {
    story: 'an append beyond the head leaves no gap: it is a conflict',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const head = await appended(ledger, term, append('plan1', EMPTY_HEAD, [admitted(1)]));
      for (const planId of ['plan1', 'plan2']) {
        const [result] = await ledger.appendAll(term, [
          append(planId, { seq: 7, hash: head.hash }, [admitted(3)]),
        ]);
        assert.equal(result?.status, 'conflict');
      }
      assert.equal((await ledger.read('plan1', 0, 10)).length, 1);
      assert.equal((await ledger.read('plan2', 0, 10)).length, 0);
    },
  },
  {
    story: 'an append whose expected hash is not the head is a conflict, though its seq is right',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const actual = await appended(ledger, term, append('plan1', EMPTY_HEAD, [admitted(1)]));
      const wrong = [
        append('plan1', { seq: 1, hash: 'f'.repeat(64) }, [admitted(2)]),
        append('plan2', { seq: 0, hash: '' }, [admitted(2)]),
      ];
      assert.deepEqual(await ledger.appendAll(term, wrong), [
        { planId: 'plan1', status: 'conflict', actual },
        { planId: 'plan2', status: 'conflict', actual: EMPTY_HEAD },
      ]);
    },
  },
  {
    story: "in a batch, one plan's conflict never harms another, and answers keep the order of the questions",
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      await appended(ledger, term, append('plan2', EMPTY_HEAD, [admitted(1)]));
      const results = await ledger.appendAll(
        term,
        ['plan3', 'plan2', 'plan1'].map((planId) => append(planId, EMPTY_HEAD, [admitted(1), admitted(2)])),
      );
      assert.deepEqual(statuses(results), ['plan3 appended', 'plan2 conflict', 'plan1 appended']);
      assert.equal((await ledger.read('plan2', 0, 10)).length, 1);
      assert.equal((await ledger.read('plan1', 0, 10)).length, 2);
      assert.equal((await ledger.read('plan3', 0, 10)).length, 2);
    },
  },
  {
    story: 'a rival that commits in the middle of a batch takes only its own plan',
    async run({ ledger, terms, openRival }) {
      const term = await aTerm(terms);
      const rival = await openRival(append('plan2', EMPTY_HEAD, [admitted(9)]));
      const batch = ledger.appendAll(
        term,
        ['plan1', 'plan2', 'plan3'].map((planId) => append(planId, EMPTY_HEAD, [admitted(1)])),
      );
      await rival.blocks();
      await rival.commit();
      assert.deepEqual(statuses(await batch), ['plan1 appended', 'plan2 conflict', 'plan3 appended']);
      const [winner] = await ledger.read('plan2', 0, 10);
      assert.deepEqual(winner?.event, admitted(9));
    },
  },
  {
    story: 'of ten writers that expect the same head exactly one writes',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const tries = Array.from({ length: 10 }, (_, i) =>
        ledger.appendAll(term, [
          append('plan1', EMPTY_HEAD, [admitted(i)]),
          append(`own${i}`, EMPTY_HEAD, [admitted(i)]),
        ]),
      );
      const results = (await Promise.all(tries)).flat();
      const shared = results.filter((result) => result.planId === 'plan1');
      assert.equal(shared.filter((result) => result.status === 'appended').length, 1);
      assert.equal(shared.filter((result) => result.status === 'conflict').length, 9);
      assert.ok(
        results.filter((result) => result.planId !== 'plan1').every(({ status }) => status === 'appended'),
      );
    },
  },
  {
    story: 'what no stream can take is refused before anything is written',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const good = append('plan1', EMPTY_HEAD, [admitted(1)]);
      for (const bad of [good, append('plan2', EMPTY_HEAD, []), append('a"b', EMPTY_HEAD, [admitted(1)])]) {
        await assert.rejects(ledger.appendAll(term, [good, bad]), InvalidAppendError);
      }
      assert.deepEqual(await ledger.head('plan1'), EMPTY_HEAD);
      assert.deepEqual(await ledger.appendAll(term, []), []);
    },
  },
  {
    story: 'reading goes on after any seq, as far as it is asked to',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      await appended(ledger, term, append('plan1', EMPTY_HEAD, [1, 2, 3, 4, 5].map(admitted)));
      const seqs = async (after: number, limit: number) =>
        (await ledger.read('plan1', after, limit)).map(({ seq }) => seq);
      assert.deepEqual(await seqs(0, 2), [1, 2]);
      assert.deepEqual(await seqs(2, 2), [3, 4]);
      assert.deepEqual(await seqs(4, 2), [5]);
      assert.deepEqual(await seqs(5, 2), []);
    },
  },
  {
    story: 'open plans are those that were submitted and not closed, oldest first',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const heads = new Map<string, Head>();
      for (const planId of ['plan2', 'plan3', 'plan1']) {
        heads.set(planId, await appended(ledger, term, append(planId, EMPTY_HEAD, [submitted()])));
      }
      await appended(ledger, term, append('plan3', heads.get('plan3')!, [{ type: 'plan.closed', data: {} }]));
      await appended(ledger, term, append('other', EMPTY_HEAD, [admitted(1)]));
      assert.deepEqual(await ledger.openPlans(), ['plan2', 'plan1']);
    },
  },
  {
    story: 'a plan that was reopened after it was closed is open until it is closed again',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const closed: PlanEvent = { type: 'plan.closed', data: {} };
      const by = { name: 'somebody', via: 'cli' };
      let head = await appended(ledger, term, append('plan1', EMPTY_HEAD, [submitted(), closed]));
      assert.deepEqual(await ledger.openPlans(), []);
      const reopened: PlanEvent = { type: 'plan.reopened', data: { by, why: null } };
      head = await appended(ledger, term, append('plan1', head, [reopened]));
      assert.deepEqual(await ledger.openPlans(), ['plan1']);
      await appended(ledger, term, append('plan1', head, [closed]));
      assert.deepEqual(await ledger.openPlans(), []);
    },
  },
  {
    story: 'a deposed decider cannot append anywhere',
    async run({ ledger, terms, silence }) {
      const old = await aTerm(terms);
      const head = await appended(ledger, old, append('plan1', EMPTY_HEAD, [admitted(1)]));
      await silence();
      const next = await aTerm(terms);
      const zombie = [append('plan1', head, [admitted(2)]), append('plan2', EMPTY_HEAD, [admitted(2)])];
      await assert.rejects(ledger.appendAll(old, zombie), (error) => {
        return error instanceof TermLostError && error.term === old && error.actualTerm === next;
      });
      assert.deepEqual(await ledger.head('plan1'), head);
      assert.deepEqual(await ledger.head('plan2'), EMPTY_HEAD);
      await appended(ledger, next, append('plan1', head, [admitted(3)]));
    },
  },
  {
    story: 'a term that nobody has won, or that was resigned, appends nothing',
    async run({ ledger, terms }) {
      const one = [append('plan1', EMPTY_HEAD, [admitted(1)])];
      await assert.rejects(ledger.appendAll(0, one), TermLostError);
      const term = await aTerm(terms);
      await assert.rejects(ledger.appendAll(term + 1, one), TermLostError);
      await terms.resign(term);
      await assert.rejects(ledger.appendAll(term, one), TermLostError);
      assert.deepEqual(await ledger.head('plan1'), EMPTY_HEAD);
    },
  },
  {
    story: 'a living holder keeps its term; a silent one loses it for good',
    async run({ terms, silence }) {
      assert.deepEqual(await terms.current(), { term: 0, holder: '', fresh: false, eventVersion: 1 });
      const first = await terms.campaign('a');
      assert.deepEqual(await terms.current(), {
        term: first?.term,
        holder: 'a',
        fresh: true,
        eventVersion: EVENT_VERSION,
      });
      assert.equal(await terms.campaign('b'), null);
      assert.equal(await terms.renew(first!.term), true);
      await silence();
      assert.deepEqual(await terms.current(), {
        term: first?.term,
        holder: 'a',
        fresh: false,
        eventVersion: EVENT_VERSION,
      });
      const second = await terms.campaign('b');
      assert.ok(second && second.term > first!.term);
      assert.equal(await terms.renew(first!.term), false);
      await terms.resign(first!.term);
      assert.deepEqual(await terms.current(), {
        term: second.term,
        holder: 'b',
        fresh: true,
        eventVersion: EVENT_VERSION,
      });
    },
  },
  {
    story: 'a holder that was silent but not deposed may go on',
    async run({ ledger, terms, silence }) {
      const term = await aTerm(terms);
      await silence();
      assert.equal(await terms.renew(term), true);
      assert.equal((await terms.current()).fresh, true);
      await appended(ledger, term, append('plan1', EMPTY_HEAD, [admitted(1)]));
    },
  },
  {
    story: 'a resigned term is free at once',
    async run({ terms }) {
      const first = await terms.campaign('a');
      await terms.resign(first!.term);
      assert.equal((await terms.current()).fresh, false);
      assert.equal(await terms.renew(first!.term), false);
      assert.deepEqual(await terms.campaign('b'), { term: first!.term + 1 });
    },
  },
  {
    story: 'of many replicas that campaign at once at most one wins',
    async run({ terms }) {
      const won = await Promise.all(Array.from({ length: 8 }, (_, i) => terms.campaign(`replica${i}`)));
      assert.equal(won.filter((result) => result !== null).length, 1);
    },
  },
  {
    story: "the tail gives every event once, each plan's in seq order, from a cursor kept as text",
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const heads = new Map<string, Head>();
      for (let round = 0; round < 5; round++) {
        const results = await ledger.appendAll(
          term,
          ['plan1', 'plan2', 'plan3'].map((planId) =>
            append(planId, heads.get(planId) ?? EMPTY_HEAD, [admitted(round), admitted(round)]),
          ),
        );
        for (const result of results) if (result.status === 'appended') heads.set(result.planId, result.head);
      }
      const events = await readTail(ledger, TAIL_START, 30, 7);
      for (const planId of ['plan1', 'plan2', 'plan3']) {
        assert.deepEqual(
          events.filter((event) => event.planId === planId),
          await ledger.read(planId, 0, 100),
        );
      }
    },
  },
  {
    story: 'the tail never skips an event that commits late',
    async run({ ledger, terms, openRival }) {
      const term = await aTerm(terms);
      const rival = await openRival(append('late', EMPTY_HEAD, [admitted(1)]));
      await appended(ledger, term, append('early', EMPTY_HEAD, [admitted(1)]));
      const before = await ledger.tail(TAIL_START, 100);
      await rival.commit();
      const after = await readTail(ledger, before.cursor, 2 - before.events.length, 100);
      const seen = [...before.events, ...after].map(({ planId }) => planId);
      assert.deepEqual(seen.sort(), ['early', 'late']);
    },
  },
  {
    story:
      'however many writers there are, the tail misses nothing, doubles nothing and keeps the order of each plan',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      const planIds = ['plan1', 'plan2', 'plan3', 'plan4'];
      let writing = true;
      const writers = Array.from({ length: 5 }, async (_, writer) => {
        for (let round = 0; round < 25; round++) {
          // Different orders: writers that wait for each other in a circle are the database's problem, not ours.
          const batch = planIds.slice(writer % 4).concat(planIds.slice(0, writer % 4));
          const heads = await Promise.all(batch.map((planId) => ledger.head(planId)));
          await ledger.appendAll(
            term,
            batch.map((planId, i) =>
              append(planId, heads[i] ?? EMPTY_HEAD, [admitted(writer), admitted(round)]),
            ),
          );
        }
      });
      const seen: StoredEvent[] = [];
      const reader = (async () => {
        let cursor = TAIL_START;
        while (writing) {
          const page = await ledger.tail(cursor, 10);
          seen.push(...page.events);
          cursor = page.cursor;
        }
        return cursor;
      })();
      await Promise.all(writers).finally(() => (writing = false));
      const cursor = await reader;
      const streams = await Promise.all(planIds.map((planId) => ledger.read(planId, 0, 10_000)));
      const total = streams.reduce((sum, events) => sum + events.length, 0);
      seen.push(...(await readTail(ledger, cursor, total - seen.length, 100)));
      for (const [i, events] of streams.entries()) {
        assert.ok(events.length >= 50, 'every round, somebody must get through');
        assert.equal(verifyChain(planIds[i]!, events).ok, true);
        assert.deepEqual(
          seen.filter(({ planId }) => planId === planIds[i]),
          events,
        );
      }
    },
  },
  {
    story: 'everything that was written verifies up to its head',
    async run({ ledger, terms }) {
      const term = await aTerm(terms);
      let head = EMPTY_HEAD;
      for (let i = 0; i < 20; i++) {
        head = await appended(ledger, term, append('plan1', head, [admitted(i), passed(i, { i })]));
      }
      assert.deepEqual(verifyChain('plan1', await ledger.read('plan1', 0, 100), head), { ok: true, head });
    },
  },
];

async function aTerm(terms: Terms): Promise<number> {
  const won = await terms.campaign('decider');
  assert.ok(won, 'the campaign must succeed');
  return won.term;
}

function append(planId: string, expected: Head, events: PlanEvent[]): Append {
  return { planId, expected, at: AT, traceparent: null, events };
}

async function appended(ledger: Ledger, term: number, one: Append): Promise<Head> {
  const [result] = await ledger.appendAll(term, [one]);
  assert.equal(result?.status, 'appended');
  return result.head;
}

function admitted(ordinal: number): PlanEvent {
  return { type: 'step.admitted', data: { ordinal, epoch: 1 } };
}

type Passed = Extract<PlanEvent, { type: 'step.passed' }>;

function passed(ordinal: number, outputs: Passed['data']['outputs']): Passed {
  const data = { ordinal, epoch: 1, worker: 'w1', tokenDigest: '0'.repeat(64), commit: null, outputs };
  return { type: 'step.passed', data };
}

function submitted(): PlanEvent {
  const definition = {
    version: 1,
    name: 'p',
    labels: {},
    params: {},
    repo: null,
    priority: 0,
    deadline: null,
    locks: {},
    baseline: null,
    progress: null,
    maxParallel: null,
    maxLeases: 3,
    sandbox: 'auto',
    integrate: null,
    steps: [],
  } as const;
  return {
    type: 'plan.submitted',
    data: {
      tenant: 'default',
      definition: { ...definition, steps: [] },
      digest: '0'.repeat(64),
      idempotencyKey: 'k',
      by: { name: 'somebody', via: 'rest' },
      traceparent: null,
    },
  };
}

function statuses(results: AppendResult[]): string[] {
  return results.map(({ planId, status }) => `${planId} ${status}`);
}

/** Reads on until `count` events are there: other writers on the same server may hold the tail back for a while. */
async function readTail(
  ledger: Ledger,
  from: TailCursor,
  count: number,
  limit: number,
): Promise<StoredEvent[]> {
  const deadline = Date.now() + 5_000;
  const events: StoredEvent[] = [];
  let cursor = from;
  while (events.length < count && Date.now() < deadline) {
    const page = await ledger.tail(cursor, limit);
    assert.ok(page.events.length <= limit);
    events.push(...page.events);
    cursor = parseCursor(formatCursor(page.cursor)) ?? cursor;
    if (page.events.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(await ledger.tail(cursor, limit), { events: [], cursor });
  return events;
}
