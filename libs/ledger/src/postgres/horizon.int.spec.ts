import pg from 'pg';
import type { PlanEvent } from '#domain';
import { eventually, freshDatabase, type FreshDatabase } from '#testing';
import { EMPTY_HEAD } from '../chain/event-body.ts';
import { PostgresUnderTest } from '../contract/postgres-under-test.ts';
import { TAIL_START } from '../cursor.ts';
import type { Append } from '../ledger.ts';

describe('how far the tail can be read', () => {
  let fresh: FreshDatabase;
  let under: PostgresUnderTest;
  let term: number;
  const clients: pg.Client[] = [];

  beforeEach(async () => {
    fresh = await freshDatabase();
    under = await PostgresUnderTest.open(fresh.adminUrl, 'skein');
    term = (await under.terms.campaign('a'))!.term;
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await under?.close();
    await fresh?.drop();
  });

  function appendOf(planId: string): Append {
    const published: PlanEvent = { type: 'integration.published', data: { branch: planId, sha: 'a' } };
    return {
      planId,
      expected: EMPTY_HEAD,
      at: '2026-11-20T12:00:00.000Z',
      traceparent: null,
      events: [published],
    };
  }

  async function append(planId: string): Promise<void> {
    const [result] = await under.ledger.appendAll(term, [appendOf(planId)]);
    if (result?.status !== 'appended') throw new Error('a test that conflicts with itself');
  }

  async function told(): Promise<string[]> {
    return (await under.ledger.tail(TAIL_START, 100)).events.map(({ planId }) => planId);
  }

  /** A session with a transaction open, in which this was done. */
  async function inTransaction(url: string, ...statements: string[]): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url });
    clients.push(client);
    await client.connect();
    await client.query('BEGIN');
    for (const statement of statements) await client.query(statement);
    return client;
  }

  it('is not held back by what others write for hours on the same server', async () => {
    await inTransaction(
      fresh.adminUrl,
      'CREATE TABLE others_load (n integer)',
      'SELECT pg_current_xact_id()',
    );
    const other = await PostgresUnderTest.open(fresh.adminUrl, 'skein_other');
    try {
      // Another fleet's append, in the middle.
      await inTransaction(
        other.runtimeUrl,
        'SELECT FROM skein_other.term FOR SHARE',
        'SELECT pg_current_xact_id()',
      );
      await append('plan0001');
      expect(await told()).toEqual(['plan0001']);
    } finally {
      await Promise.all(clients.splice(0).map((client) => client.end()));
      await other.close();
    }
  });

  it('is held back by an append that has the term and has written nothing yet', async () => {
    const slow = await inTransaction(
      under.runtimeUrl,
      'SELECT FROM skein.term FOR SHARE',
      'SELECT pg_current_xact_id()',
    );
    await append('plan0001');
    expect(await told()).toEqual([]);
    await slow.query('ROLLBACK');
    expect(await told()).toEqual(['plan0001']);
  });

  it('is held back, as far as anything is open, by a writer whose transaction has no id yet', async () => {
    const writer = await inTransaction(under.runtimeUrl, 'LOCK TABLE skein.events IN ROW EXCLUSIVE MODE');
    await append('plan0001');
    // Other tests of this server have transactions open, too, for a moment.
    await eventually(async () => (await told()).length === 1, { what: 'the first plan to be told' });
    const others = await inTransaction(fresh.adminUrl, 'SELECT pg_current_xact_id()');
    await append('plan0002');
    expect(await told()).toEqual(['plan0001']);
    await writer.query('ROLLBACK');
    expect(await told()).toEqual(['plan0001', 'plan0002']);
    await others.query('ROLLBACK');
  });

  it('is not held back by who only reads the ledger, or looks after its tables', async () => {
    await inTransaction(under.runtimeUrl, 'SELECT FROM skein.events', 'SELECT FROM skein.term');
    await inTransaction(fresh.adminUrl, 'LOCK TABLE skein.events IN SHARE UPDATE EXCLUSIVE MODE');
    await inTransaction(fresh.adminUrl, 'SELECT pg_current_xact_id()');
    await append('plan0001');
    expect(await told()).toEqual(['plan0001']);
  });
});
