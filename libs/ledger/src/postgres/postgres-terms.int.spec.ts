import { jest } from '@jest/globals';
import type pg from 'pg';
import { EVENT_VERSION } from '#domain';
import { silentLogger } from '#telemetry';
import { freshDatabase, type FreshDatabase } from '#testing';
import { EMPTY_HEAD } from '../chain/event-body.ts';
import { PostgresUnderTest } from '../contract/postgres-under-test.ts';
import { DeciderTooOldError, TermLostError } from '../errors.ts';
import type { Append } from '../ledger.ts';
import { LedgerDatabase } from './ledger-database.ts';
import { PostgresLedger } from './postgres-ledger.ts';
import { PostgresTerms } from './postgres-terms.ts';

jest.setTimeout(60_000);

let fresh: FreshDatabase;
let under: PostgresUnderTest;
let schemas = 0;

beforeAll(async () => {
  fresh = await freshDatabase();
});
beforeEach(async () => {
  under = await PostgresUnderTest.open(fresh.adminUrl, `s${(schemas += 1)}`);
});
afterEach(() => under?.close());
afterAll(() => fresh?.drop());

function one(planId: string): Append {
  const event = { type: 'step.admitted', data: { ordinal: 1, epoch: 1 } } as const;
  return { planId, expected: EMPTY_HEAD, at: '2026-11-20T12:00:00.000Z', traceparent: null, events: [event] };
}

/** A decider that stops in the middle of an append, as a process does whose event loop is stuck. */
class HangingLedger extends PostgresLedger {
  readonly holdsTerm = Promise.withResolvers<void>();
  readonly mayGoOn = Promise.withResolvers<void>();

  protected override async holdTerm(client: pg.PoolClient, term: number): Promise<void> {
    await super.holdTerm(client, term);
    this.holdsTerm.resolve();
    await this.mayGoOn.promise;
  }
}

describe('terms in Postgres', () => {
  it('a takeover waits for an append in flight, which still counts, and fences the next one', async () => {
    const { database, ledger, terms } = under;
    const first = (await terms.campaign('a'))!.term;
    const old = new HangingLedger(database);
    const inFlight = old.appendAll(first, [one('plan1')]);
    await old.holdsTerm.promise;
    await under.silence();
    const takeover = terms.campaign('b');
    await someoneWaits();
    expect((await terms.current()).term).toBe(first);
    old.mayGoOn.resolve();
    expect(await inFlight).toMatchObject([{ status: 'appended' }]);
    const second = (await takeover)!.term;
    expect((await ledger.head('plan1')).seq).toBe(1);
    await expect(ledger.appendAll(first, [one('plan2')])).rejects.toThrow(TermLostError);
    expect(await ledger.appendAll(second, [one('plan2')])).toMatchObject([{ status: 'appended' }]);
  });

  it('a renewal does not wait for appends', async () => {
    const { database, terms } = under;
    const { term } = (await terms.campaign('a'))!;
    const slow = new HangingLedger(database);
    const inFlight = slow.appendAll(term, [one('plan1')]);
    await slow.holdsTerm.promise;
    expect(await terms.renew(term)).toBe(true);
    slow.mayGoOn.resolve();
    expect(await inFlight).toMatchObject([{ status: 'appended' }]);
  });

  it('a decider that hangs in the middle of an append is cut off, and a standby takes over within 5 s', async () => {
    const { runtimeUrl, schema, ledger, terms } = under;
    const first = (await terms.campaign('a'))!.term;
    await using database = new LedgerDatabase({ url: runtimeUrl, schema, log: silentLogger });
    const hung = new HangingLedger(database);
    const zombie = hung.appendAll(first, [one('plan1')]);
    await hung.holdsTerm.promise;
    await under.silence();
    const startedAt = performance.now();
    const second = await terms.campaign('b');
    expect(second).toEqual({ term: first + 1 });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    hung.mayGoOn.resolve();
    await expect(zombie).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE', outcome: 'nothing-written' });
    expect(await ledger.head('plan1')).toEqual(EMPTY_HEAD);
  });

  it('a busy zombie cannot keep a standby out', async () => {
    const { ledger, terms } = under;
    const { term } = (await terms.campaign('a'))!;
    let lost = 0;
    // Overlapping appends: the term row is never free of share locks while they are accepted.
    const lanes = Array.from({ length: 4 }, async (_, lane) => {
      for (let i = 0; lost < 4; i++) {
        await ledger.appendAll(term, [one(`plan${lane}-${i}`)]).catch((error: unknown) => {
          expect(error).toBeInstanceOf(TermLostError);
          lost += 1;
        });
      }
    });
    await under.silence();
    expect(await terms.campaign('b')).toEqual({ term: term + 1 });
    await Promise.all(lanes);
  });

  it('a holder that renews is fresh by the clock of the database, and no longer than the ttl', async () => {
    const terms = new PostgresTerms(under.database, { ttlMs: 1_000 });
    const { term } = (await terms.campaign('a'))!;
    await under.admin.query(
      "UPDATE term_liveness SET renewed_at = clock_timestamp() - interval '1100 milliseconds'",
    );
    expect(await terms.current()).toMatchObject({ term, holder: 'a', fresh: false });
    expect(await terms.renew(term)).toBe(true);
    expect(await terms.current()).toMatchObject({ term, holder: 'a', fresh: true });
  });

  it('no term is given to a program that is older than the last decider, and nobody else is kept from it', async () => {
    const { terms, admin } = under;
    const { term } = (await terms.campaign('a'))!;
    // As programs did that did not say what they write.
    await expect(admin.query('UPDATE term SET term = term + 1')).rejects.toThrow(
      'writes events of version 1',
    );
    await terms.resign(term);
    const newer = EVENT_VERSION + 1;
    await admin.query(`UPDATE term SET term = term + 1, writes = ${newer}`);
    await expect(terms.campaign('b')).rejects.toThrow(DeciderTooOldError);
    expect(await terms.current()).toEqual({ term: term + 1, holder: 'a', fresh: false, eventVersion: newer });
    await admin.query(`UPDATE term SET term = term + 1, writes = ${newer}`);
    expect((await terms.current()).term).toBe(term + 2);
  });

  it('a newer decider that was silent for a moment keeps its term before an older program', async () => {
    const { terms, admin } = under;
    await terms.campaign('a');
    const newer = EVENT_VERSION + 1;
    await admin.query(`UPDATE term SET term = term + 1, holder = 'newer', writes = ${newer}`);
    await admin.query('UPDATE term_liveness SET term = (SELECT term FROM term)');
    const { term } = await terms.current();
    await under.silence();
    await expect(terms.campaign('b')).rejects.toThrow(DeciderTooOldError);
    await expect(terms.campaign('b')).rejects.toThrow(`one that writes version ${newer} has decided here`);
    expect(await terms.renew(term)).toBe(true);
    expect(await terms.campaign('b')).toBeNull();
    expect(await terms.current()).toEqual({ term, holder: 'newer', fresh: true, eventVersion: newer });
  });

  it('a database that cannot be reached gives no term', async () => {
    await using database = new LedgerDatabase({
      url: 'postgres://a:b@127.0.0.1:1/none',
      schema: under.schema,
      log: silentLogger,
    });
    await expect(new PostgresTerms(database).campaign('a')).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    });
  });

  async function someoneWaits(): Promise<void> {
    const deadline = Date.now() + 5_000;
    while (Date.now() < deadline) {
      const { rowCount } = await under.admin.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`,
      );
      if (rowCount !== 0) return;
    }
    throw new Error('nobody waited');
  }
});
