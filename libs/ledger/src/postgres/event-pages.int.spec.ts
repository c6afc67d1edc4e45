import type { PlanEvent } from '#domain';
import { eventually, freshDatabase, type FreshDatabase } from '#testing';
import { EMPTY_HEAD } from '../chain/event-body.ts';
import { PostgresUnderTest } from '../contract/postgres-under-test.ts';
import { compareCursors, TAIL_START } from '../cursor.ts';
import type { Append, Head, TailCursor } from '../ledger.ts';
import { EventPages } from './event-pages.ts';

const PLENTY = { events: 1_000, bytes: 1_000_000 };

describe('pages of events', () => {
  let fresh: FreshDatabase;
  let under: PostgresUnderTest;
  let pages: EventPages;
  let term: number;
  const heads = new Map<string, Head>();

  beforeEach(async () => {
    fresh = await freshDatabase();
    under = await PostgresUnderTest.open(fresh.adminUrl, 'skein');
    pages = new EventPages(under.database);
    term = (await under.terms.campaign('a'))!.term;
    heads.clear();
  });
  afterEach(async () => {
    await under?.close();
    await fresh?.drop();
  });

  function appendOf(planId: string, texts: string[]): Append {
    const events = texts.map((sha): PlanEvent => ({
      type: 'integration.published',
      data: { branch: planId, sha },
    }));
    const expected = heads.get(planId) ?? EMPTY_HEAD;
    return { planId, expected, at: '2026-11-20T12:00:00.000Z', traceparent: null, events };
  }

  async function append(planId: string, ...texts: string[]): Promise<void> {
    const [result] = await under.ledger.appendAll(term, [appendOf(planId, texts)]);
    if (result?.status !== 'appended') throw new Error('a test that conflicts with itself');
    heads.set(planId, result.head);
  }

  it('end at their number of bytes, but hold one event however large it is', async () => {
    const large = 'x'.repeat(50_000);
    await append('plan0001', 'a', large, 'b', 'c');
    const seqs = async (afterSeq: number, bytes: number, events = 10) =>
      (await pages.ofPlan('plan0001', afterSeq, { events, bytes })).map(({ seq }) => seq);
    expect(await seqs(0, 1)).toEqual([1]);
    expect(await seqs(0, 1_000)).toEqual([1, 2]);
    expect(await seqs(1, 1)).toEqual([2]);
    expect(await seqs(1, 100_000)).toEqual([2, 3, 4]);
    expect(await seqs(1, 100_000, 2)).toEqual([2, 3]);
    expect(await seqs(4, 1)).toEqual([]);
    const all = await pages.ofAll(TAIL_START, { events: 10, bytes: 1_000 });
    expect(all.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('of all plans go on after the cursor, in the order of the tail', async () => {
    for (let round = 0; round < 12; round++) await append(`plan000${round % 3}`, 'a', 'b');
    const seen: string[] = [];
    let cursor: TailCursor = TAIL_START;
    for (;;) {
      const page = await pages.ofAll(cursor, { events: 5, bytes: 1_000_000 });
      if (page.length === 0) break;
      for (const { planId, seq, tx, position } of page) {
        expect(compareCursors({ tx, position }, cursor)).toBeGreaterThan(0);
        cursor = { tx, position };
        seen.push(`${planId} ${seq}`);
      }
    }
    expect(new Set(seen).size).toBe(24);
    expect(await pages.end()).toEqual(cursor);
  });

  it('never pass an event that commits late, nor does their end', async () => {
    await append('plan0001', 'a');
    // Other tests of this server may have a transaction open, which holds every tail back for a moment.
    const before = await eventually(
      async () => {
        const end = await pages.end();
        return compareCursors(end, TAIL_START) > 0 ? end : false;
      },
      { what: 'the first event to be readable' },
    );
    const late = await under.openRival(appendOf('plan0002', ['late']));
    await append('plan0003', 'early');
    expect(await pages.end()).toEqual(before);
    expect(await pages.ofAll(before, PLENTY)).toEqual([]);
    await late.commit();
    const told = await eventually(
      async () => {
        const page = await pages.ofAll(before, PLENTY);
        return page.length >= 2 ? page : false;
      },
      { what: 'both to be readable' },
    );
    expect(told.map(({ planId }) => planId)).toEqual(['plan0002', 'plan0003']);
  });

  it('begin before the first event when there is none', async () => {
    expect(await pages.end()).toEqual(TAIL_START);
  });

  it('know whose a plan is', async () => {
    const data = { tenant: 'team "a"', definition: { text: 'a\u0000b' } } as never;
    await under.ledger.appendAll(term, [
      { ...appendOf('plan0001', []), events: [{ type: 'plan.submitted', data }] },
    ]);
    expect(await pages.tenant('plan0001')).toBe('team "a"');
    expect(await pages.tenant('plan0002')).toBeNull();
  });
});
