import { jest } from '@jest/globals';
import { EVENT_VERSION, EventTooNewError, type PlanEvent } from '#domain';
import { freshDatabase, type FreshDatabase } from '#testing';
import { chainAppend, EMPTY_HEAD } from '../chain/event-body.ts';
import { PostgresUnderTest } from '../contract/postgres-under-test.ts';
import { DeciderTooOldError } from '../errors.ts';
import type { Batch } from './outbox-rows.ts';
import { PageOutbox } from './page-outbox.ts';

jest.setTimeout(60_000);

const NOW = Date.parse('2026-11-20T12:00:00.000Z');
const paused: PlanEvent = { type: 'plan.paused', data: { by: { name: 'ada', via: 'cli' }, why: null } };

let fresh: FreshDatabase;
let under: PostgresUnderTest;
let outbox: PageOutbox;
let schemas = 0;

beforeAll(async () => {
  fresh = await freshDatabase();
});
beforeEach(async () => {
  under = await PostgresUnderTest.open(fresh.adminUrl, `p${(schemas += 1)}`);
  outbox = new PageOutbox(under.database);
  await collect();
});
afterEach(() => under?.close());
afterAll(() => fresh?.drop());

/** Looks at what is new for the sink; gives the plans whose events were looked at. */
async function collect(): Promise<string[]> {
  const seen: string[] = [];
  const make = ({ events }: Batch) => {
    seen.push(...events.map(({ planId }) => planId));
    return { pages: [], closed: [], consumed: events.length, unreadable: 0 };
  };
  const o = { types: ['plan.paused'], events: 100, waitingMax: 10, nowMs: NOW };
  await outbox.collect('ops', o, make);
  return seen;
}

/** As another program writes it. */
async function write(planId: string, change: (body: string) => string = (body) => body): Promise<void> {
  const at = new Date(NOW).toISOString();
  const [row] = chainAppend({ planId, expected: EMPTY_HEAD, at, traceparent: null, events: [paused] });
  await under.admin.query(
    'INSERT INTO events (plan_id, seq, type, body, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6)',
    [planId, row!.seq, row!.event.type, change(row!.body), row!.prevHash, row!.hash],
  );
}

describe('the cursor of a sink', () => {
  const newer = EVENT_VERSION + 1;

  it('stays before an event of a newer version, for a program that can read it', async () => {
    await write('plan1', (body) => body.replace(`{"v":${EVENT_VERSION}`, `{"v":${newer}`));
    await write('plan2');
    await expect(collect()).rejects.toThrow(EventTooNewError);
    await expect(collect()).rejects.toThrow(`This event has version ${newer}`);
  });

  it('moves past an event that no program can read', async () => {
    await write('plan1', (body) => body.slice(0, -1));
    await write('plan2');
    expect(await collect()).toEqual(['plan2']);
    expect(await collect()).toEqual([]);
  });

  it('is left to newer programs from the first term of one on, whatever there is to read', async () => {
    await under.admin.query(`UPDATE term SET term = term + 1, writes = ${newer}`);
    await write('plan1');
    await expect(collect()).rejects.toThrow(DeciderTooOldError);
    await expect(collect()).rejects.toThrow('it leaves the pages to newer ones');
    // As programs did that did not say what they know.
    await expect(under.admin.query('UPDATE sinks SET position = position + 1')).rejects.toThrow(
      'knows events up to version 1',
    );
    await under.admin.query(`UPDATE sinks SET position = position, writes = ${newer}`);
    const { rows } = await under.admin.query('SELECT writes FROM sinks');
    expect(rows).toEqual([{ writes: null }]);
  });

  it('names when the source of a fork halted', async () => {
    await under.admin.query(
      `INSERT INTO plans (plan_id, position, name, tenant, status, submitted_at, ended_at, counts, needs, head_seq,
         head_hash, closed)
       SELECT id, 1, id, 'local', status, '', '2026-11-20T11:00:00.000Z', '{}', '[]', 1, '', true
       FROM (VALUES ('source', 'halted'), ('other', 'completed')) n (id, status)`,
    );
    const at = new Date(NOW).toISOString();
    const fork = (source: string) =>
      ({ type: 'plan.submitted', data: { forkedFrom: { planId: source } } }) as unknown as PlanEvent;
    for (const source of ['source', 'other']) {
      const events = [fork(source)];
      const rival = await under.openRival({
        planId: `fork-of-${source}`,
        expected: EMPTY_HEAD,
        at,
        traceparent: null,
        events,
      });
      await rival.commit();
    }
    const halted: (string | null | undefined)[] = [];
    await outbox.collect(
      'ops',
      { types: ['plan.submitted'], events: 100, waitingMax: 10, nowMs: NOW },
      ({ events, facts }) => {
        halted.push(...['source', 'other'].map((planId) => facts.plan(planId)?.haltedAt));
        return { pages: [], closed: [], consumed: events.length, unreadable: 0 };
      },
    );
    expect(halted).toEqual(['2026-11-20T11:00:00.000Z', null]);
  });
});
