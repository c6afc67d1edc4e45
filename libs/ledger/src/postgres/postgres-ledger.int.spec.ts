import { once } from 'node:events';
import net from 'node:net';
import { jest } from '@jest/globals';
import pg from 'pg';
import type { PlanEvent } from '#domain';
import { freshDatabase, type FreshDatabase } from '#testing';
import { silentLogger } from '#telemetry';
import { chainAppend, EMPTY_HEAD } from '../chain/event-body.ts';
import { verifyChain } from '../chain/verify-chain.ts';
import { LEDGER_CONTRACT } from '../contract/ledger-contract.ts';
import { PostgresUnderTest } from '../contract/postgres-under-test.ts';
import { TermLostError } from '../errors.ts';
import type { Append, AppendResult, Head, Ledger, StoredEvent, TailCursor } from '../ledger.ts';
import { EVENT_COLUMNS, toStoredEvent, type EventRow } from './event-row.ts';
import { LedgerDatabase } from './ledger-database.ts';
import { PostgresLedger, type Pending } from './postgres-ledger.ts';

// Migrating a schema for every story takes its time on a busy machine.
jest.setTimeout(60_000);

let fresh: FreshDatabase;
let schemas = 0;
const opened: PostgresUnderTest[] = [];

beforeAll(async () => {
  fresh = await freshDatabase();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((under) => under.close()));
});
afterAll(() => fresh?.drop());

async function open(makeLedger?: (database: LedgerDatabase) => Ledger): Promise<PostgresUnderTest> {
  const under = await PostgresUnderTest.open(fresh.adminUrl, `s${(schemas += 1)}`, makeLedger);
  opened.push(under);
  return under;
}

const event: PlanEvent = { type: 'step.admitted', data: { ordinal: 1, epoch: 1 } };

function one(planId: string): Append {
  return { planId, expected: EMPTY_HEAD, at: '2026-11-20T12:00:00.000Z', traceparent: null, events: [event] };
}

describe('the ledger in Postgres', () => {
  it.each(LEDGER_CONTRACT)('$story', async ({ run }) => run(await open()));

  it.each(['UPDATE events SET type = type', 'DELETE FROM events', 'TRUNCATE events'])(
    'refuses to the owner, a superuser: %s',
    async (statement) => {
      const { admin, ledger, terms } = await open();
      await ledger.appendAll((await terms.campaign('a'))!.term, [one('plan1')]);
      await expect(admin.query(statement)).rejects.toThrow('The ledger is append-only');
      await admin.query('SET session_replication_role = replica');
      await expect(admin.query(statement)).rejects.toThrow('The ledger is append-only');
      expect(await ledger.read('plan1', 0, 10)).toHaveLength(1);
    },
  );

  it.each([
    'UPDATE events SET type = type',
    'DELETE FROM events',
    'TRUNCATE events',
    'ALTER TABLE events DISABLE TRIGGER ALL',
    'DROP TABLE events',
    'CREATE TABLE mine (x int)',
    'CREATE ROLE another',
  ])('lets the runtime role not even try: %s', async (statement) => {
    const { runtimeUrl, schema } = await open();
    const runtime = new pg.Client({ connectionString: runtimeUrl, options: `-c search_path=${schema}` });
    await runtime.connect();
    try {
      await expect(runtime.query(statement)).rejects.toThrow(/permission denied|must be owner/);
    } finally {
      await runtime.end();
    }
  });

  it('refuses a row whose columns do not say what its text says', async () => {
    const { admin } = await open();
    const body = '{"v":1,"plan":"plan1","seq":1,"type":"plan.closed","at":"x","trace":null,"data":{}}';
    const insert = (planId: string, seq: number, type: string) =>
      admin.query(
        `INSERT INTO events (plan_id, seq, type, body, prev_hash, hash) VALUES ($1, $2, $3, $4, '', '')`,
        [planId, seq, type, body],
      );
    await expect(insert('plan1', 2, 'plan.closed')).rejects.toThrow('events_columns_match_body');
    await expect(insert('plan2', 1, 'plan.closed')).rejects.toThrow('events_columns_match_body');
    await expect(insert('plan1', 1, 'plan.submitted')).rejects.toThrow('events_columns_match_body');
    await insert('plan1', 1, 'plan.closed');
  });

  it('cannot hide what an administrator did who took the trigger away', async () => {
    const { ledger, terms, admin } = await open();
    const { term } = (await terms.campaign('a'))!;
    const [result] = await ledger.appendAll(term, [
      { ...one('plan1'), events: [event, event, event, event] },
    ]);
    const head = result?.status === 'appended' ? result.head : EMPTY_HEAD;
    const verified = async (tampering: string) => {
      await admin.query(`BEGIN; ALTER TABLE events DISABLE TRIGGER ALL; ${tampering}`);
      const { rows } = await admin.query<EventRow>(`SELECT ${EVENT_COLUMNS} FROM events ORDER BY seq`);
      await admin.query('ROLLBACK');
      return verifyChain('plan1', rows.map(toStoredEvent), head);
    };
    expect(await verified('')).toEqual({ ok: true, head });
    const body = `replace(body, '"epoch":1', '"epoch":2')`;
    const altered = await verified(`UPDATE events SET body = ${body} WHERE seq = 2`);
    expect(altered).toMatchObject({ ok: false, seq: 2, problem: 'altered' });
    const dropped = await verified('DELETE FROM events WHERE seq = 3');
    expect(dropped).toMatchObject({ ok: false, seq: 3, problem: 'dropped' });
    const truncated = await verified('DELETE FROM events WHERE seq = 4');
    expect(truncated).toMatchObject({ ok: false, seq: 4, problem: 'truncated' });
    const inserted = await verified(
      `ALTER TABLE events DROP CONSTRAINT events_columns_match_body;
       UPDATE events SET seq = seq + 10 WHERE seq > 2; UPDATE events SET seq = seq - 9 WHERE seq > 10;
       INSERT INTO events (plan_id, seq, type, body, prev_hash, hash)
         SELECT plan_id, 3, type, body, prev_hash, hash FROM events WHERE seq = 2`,
    );
    expect(inserted).toMatchObject({ ok: false, seq: 3, problem: 'inserted' });
  });

  it("writes a plan's events in the tail's order, though a slow append got its transaction id first", async () => {
    const { database, ledger, terms, admin } = await open();
    const { term } = (await terms.campaign('a'))!;
    const slow = new SlowLedger(database);
    const first = one('plan1');
    const second = { ...first, expected: headAfter(first) };
    const appending = slow.appendAll(term, [second]);
    await slow.holdsTerm.promise;
    await ledger.appendAll(term, [first]);
    slow.mayInsert.resolve();
    expect(await appending).toMatchObject([{ status: 'appended', head: { seq: 2 } }]);
    const rows = await admin.query<{ seq: string }>('SELECT seq FROM events ORDER BY tx, position');
    expect(rows.rows.map(({ seq }) => seq)).toEqual(['1', '2']);
  });
});

/** Stops between taking the term and writing, the first time. */
class SlowLedger extends PostgresLedger {
  readonly holdsTerm = Promise.withResolvers<void>();
  readonly mayInsert = Promise.withResolvers<void>();

  protected override async holdTerm(client: pg.PoolClient, term: number): Promise<void> {
    await super.holdTerm(client, term);
    this.holdsTerm.resolve();
    await this.mayInsert.promise;
  }
}

function headAfter(append: Append): Head {
  const last = chainAppend(append).at(-1)!;
  return { seq: last.seq, hash: last.hash };
}

describe('when the connection to Postgres dies', () => {
  let proxy: CommitProxy;
  let under: PostgresUnderTest;
  let database: LedgerDatabase;
  let term: number;

  beforeEach(async () => {
    under = await open();
    term = (await under.terms.campaign('a'))!.term;
    proxy = await CommitProxy.before(under.runtimeUrl);
    database = new LedgerDatabase({ url: proxy.url, schema: under.schema, log: silentLogger });
  });
  afterEach(async () => {
    await database.close();
    proxy.close();
  });

  it('before the commit, nothing was written and the caller knows it', async () => {
    proxy.cut = 'at-insert';
    const append = new PostgresLedger(database).appendAll(term, [one('plan1')]);
    await expect(append).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE', outcome: 'nothing-written' });
    expect(await under.ledger.head('plan1')).toEqual(EMPTY_HEAD);
  });

  it('at the commit, the outcome is unknown, whether the commit arrived or not', async () => {
    for (const cut of ['before-commit', 'after-commit'] as const) {
      proxy.cut = cut;
      const append = new PostgresLedger(database).appendAll(term, [one(cut)]);
      await expect(append).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE', outcome: 'unknown' });
    }
    expect(await under.ledger.head('before-commit')).toEqual(EMPTY_HEAD);
    expect((await under.ledger.head('after-commit')).seq).toBe(1);
  });

  it('a later append goes over a new connection', async () => {
    proxy.cut = 'before-commit';
    const ledger = new PostgresLedger(database);
    await expect(ledger.appendAll(term, [one('plan1')])).rejects.toThrow();
    proxy.cut = null;
    expect(await ledger.appendAll(term, [one('plan1')])).toMatchObject([{ status: 'appended' }]);
  });

  it('a server that is not there at all is unavailable, not a crash', async () => {
    proxy.close();
    const ledger = new PostgresLedger(database);
    const refused = { code: 'LEDGER_UNAVAILABLE', retry: 'later', outcome: 'nothing-written' };
    await expect(ledger.appendAll(term, [one('plan1')])).rejects.toMatchObject(refused);
    await expect(ledger.read('plan1', 0, 1)).rejects.toMatchObject(refused);
  });
});

/** Answers for a whole batch what is true of one plan. */
class LedgerWithoutRetry extends PostgresLedger {
  protected override async appendAlone(_term: number, { append }: Pending): Promise<AppendResult> {
    return { planId: append.planId, status: 'conflict', actual: await this.head(append.planId) };
  }
}

/** Believes that positions become visible in order. */
class LedgerWithNaiveTail extends PostgresLedger {
  override async tail(
    after: TailCursor,
    limit: number,
  ): Promise<{ events: StoredEvent[]; cursor: TailCursor }> {
    const rows = await this.database.read<EventRow>(
      'naive-tail',
      `SELECT ${EVENT_COLUMNS} FROM ${this.database.schema}.events e WHERE e.position > $1
       ORDER BY e.position LIMIT $2`,
      [after.position.toString(), limit],
    );
    const events = rows.map(toStoredEvent);
    return { events, cursor: events.at(-1) ?? after };
  }
}

/** Appends under a term that is not the current one. */
class LedgerWithoutTermCheck extends PostgresLedger {
  protected override async holdTerm(client: pg.PoolClient, term: number): Promise<void> {
    try {
      await super.holdTerm(client, term);
    } catch (error) {
      if (!(error instanceof TermLostError)) throw error;
      await client.query('BEGIN');
    }
  }
}

/** Its statement lacks a part of what an append must fit. */
class LedgerWithoutClause extends PostgresLedger {
  constructor(
    database: LedgerDatabase,
    private readonly clause: string,
  ) {
    super(database);
  }

  protected override insertFitting(client: pg.PoolClient, pendings: Pending[]): Promise<Set<string> | null> {
    const query = (statement: pg.QueryConfig): Promise<pg.QueryResult> => {
      const [before, after, ...more] = statement.text.split(this.clause);
      if (after === undefined || more.length > 0) throw new Error(`${this.clause} is not there exactly once`);
      return client.query({ ...statement, text: before + after });
    };
    return super.insertFitting({ query } as unknown as pg.PoolClient, pendings);
  }
}

describe('the contract suite', () => {
  async function firstFailure(makeLedger: (database: LedgerDatabase) => Ledger): Promise<string | null> {
    for (const { story, run } of LEDGER_CONTRACT) {
      const under = await open(makeLedger);
      const failed = await run(under).then(
        () => false,
        () => true,
      );
      if (failed) return story;
    }
    return null;
  }

  it('finds a ledger that does not retry the plans of a failed batch one by one', async () => {
    expect(await firstFailure((database) => new LedgerWithoutRetry(database))).toBe(
      'a rival that commits in the middle of a batch takes only its own plan',
    );
  });

  it('finds a ledger that takes appends of a deposed decider', async () => {
    expect(await firstFailure((database) => new LedgerWithoutTermCheck(database))).toBe(
      'a deposed decider cannot append anywhere',
    );
  });

  it.each([
    [
      'head.seq = e.seq AND head.hash = e.hash AND ',
      'an append beyond the head leaves no gap: it is a conflict',
    ],
    [
      'head.hash = e.hash AND ',
      'an append whose expected hash is not the head is a conflict, though its seq is right',
    ],
  ])('finds a ledger whose statement lacks `%s`', async (clause, story) => {
    expect(await firstFailure((database) => new LedgerWithoutClause(database, clause))).toBe(story);
  });

  it('finds a tail that trusts positions', async () => {
    expect(await firstFailure((database) => new LedgerWithNaiveTail(database))).toBe(
      'the tail never skips an event that commits late',
    );
  });
});

/** Stands between client and server and cuts the line at one point of an append. */
class CommitProxy {
  cut: 'at-insert' | 'before-commit' | 'after-commit' | null = null;
  private readonly sockets = new Set<net.Socket>();

  private constructor(
    readonly url: string,
    private readonly server: net.Server,
  ) {}

  static async before(serverUrl: string): Promise<CommitProxy> {
    const target = new URL(serverUrl);
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(serverUrl);
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as net.AddressInfo).port);
    const proxy = new CommitProxy(url.href, server);
    server.on('connection', (client) => proxy.relay(client, Number(target.port), target.hostname));
    return proxy;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private relay(client: net.Socket, port: number, host: string): void {
    const server = net.connect(port, host);
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
    }
    let muted = false;
    client.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      if (this.cut === 'at-insert' && text.includes('INSERT INTO')) return void client.destroy();
      if (this.cut === 'before-commit' && text.includes('COMMIT')) return void client.destroy();
      muted ||= this.cut === 'after-commit' && text.includes('COMMIT');
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      // The server has committed: its answer gets lost.
      if (muted) client.destroy();
      else client.write(chunk);
    });
    client.on('close', () => server.end());
    server.on('close', () => client.end());
  }
}
