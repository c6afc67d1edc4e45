import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { silentLogger } from '#telemetry';
import { chainAppend } from '../chain/event-body.ts';
import type { Append, Ledger } from '../ledger.ts';
import { migrate } from '../migrations/migrate.ts';
import { LedgerDatabase } from '../postgres/ledger-database.ts';
import { PostgresLedger } from '../postgres/postgres-ledger.ts';
import { PostgresTerms } from '../postgres/postgres-terms.ts';
import type { LedgerUnderTest, Rival } from './ledger-contract.ts';

/** A schema of its own in a given database, for the contract suite and for stories that only Postgres can tell. */
export class PostgresUnderTest implements LedgerUnderTest {
  readonly ledger: Ledger;
  readonly terms: PostgresTerms;
  private readonly rivals: pg.Client[] = [];

  private constructor(
    readonly schema: string,
    /** As owner. */
    readonly admin: pg.Client,
    readonly runtimeUrl: string,
    readonly database: LedgerDatabase,
    makeLedger: (database: LedgerDatabase) => Ledger,
  ) {
    this.ledger = makeLedger(database);
    this.terms = new PostgresTerms(database);
  }

  static async open(
    adminUrl: string,
    schema: string,
    makeLedger: (database: LedgerDatabase) => Ledger = (database) => new PostgresLedger(database),
  ): Promise<PostgresUnderTest> {
    const { runtimeUrl } = await migrate({ adminUrl, schema, log: silentLogger });
    const admin = new pg.Client({ connectionString: adminUrl, options: `-c search_path=${schema}` });
    await admin.connect();
    const database = new LedgerDatabase({ url: runtimeUrl, schema, log: silentLogger });
    return new PostgresUnderTest(schema, admin, runtimeUrl, database, makeLedger);
  }

  readonly openRival = async (append: Append): Promise<Rival> => {
    const client = new pg.Client({
      connectionString: this.runtimeUrl,
      options: `-c search_path=${this.schema}`,
    });
    this.rivals.push(client);
    await client.connect();
    await client.query('BEGIN');
    for (const row of chainAppend(append)) {
      await client.query(
        'INSERT INTO events (plan_id, seq, type, body, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6)',
        [row.planId, row.seq, row.event.type, row.body, row.prevHash, row.hash],
      );
    }
    return {
      blocks: () => this.untilBlockedBy(client),
      commit: async () => void (await client.query('COMMIT')),
    };
  };

  readonly silence = async (): Promise<void> => {
    await this.admin.query("UPDATE term_liveness SET renewed_at = clock_timestamp() - interval '1 hour'");
  };

  /** Resolves when some session waits for a lock that this one holds. */
  async untilBlockedBy(client: pg.Client): Promise<void> {
    const me = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const deadline = Date.now() + 10_000;
    while (Date.now() < deadline) {
      const { rowCount } = await this.admin.query(
        'SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))',
        [me.rows[0]?.pid],
      );
      if (rowCount !== 0) return;
      await delay(5);
    }
    throw new Error('nobody came to wait for this session');
  }

  async close(): Promise<void> {
    await Promise.all(this.rivals.map((client) => client.end()));
    await this.database.close();
    await this.admin.end();
  }
}
