import type { Logger } from '#telemetry';
import { LedgerUnavailableError } from '../errors.ts';
import { Connections } from './connections.ts';
import { horizonSql } from './horizon.ts';
import { checkedSchema, DEFAULT_SCHEMA } from './schema-name.ts';

export interface LedgerDatabaseOptions {
  /** Of the runtime role: see `migrate`. */
  url: string;
  schema?: string;
  maxConnections?: number;
  statementTimeoutMs?: number;
  /** Bounds how long a hung decider's open append can hold up a takeover, which must be done within 5 s. */
  idleInTransactionTimeoutMs?: number;
  connectTimeoutMs?: number;
  applicationName?: string;
  log: Logger;
}

/** One fleet's schema in one Postgres: what PostgresLedger, PostgresTerms, Projector and PlanViews share. */
export class LedgerDatabase {
  readonly schema: string;
  readonly shared: Connections;
  /** For terms only: a full pool of appends and reads must not make a living decider look dead. */
  readonly reserved: Connections;

  constructor(o: LedgerDatabaseOptions) {
    this.schema = checkedSchema(o.schema ?? DEFAULT_SCHEMA);
    const settings = {
      url: o.url,
      statementTimeoutMs: o.statementTimeoutMs ?? 10_000,
      idleInTransactionTimeoutMs: o.idleInTransactionTimeoutMs ?? 2_000,
      connectTimeoutMs: o.connectTimeoutMs ?? 5_000,
      applicationName: o.applicationName ?? 'skein',
      log: o.log,
    };
    this.shared = new Connections({ ...settings, maxConnections: o.maxConnections ?? 8 });
    this.reserved = new Connections({ ...settings, maxConnections: 2 });
  }

  /** One statement that changes nothing. Throws LedgerUnavailableError. */
  async read<Row extends object>(name: string | null, text: string, values: unknown[] = []): Promise<Row[]> {
    try {
      return await this.shared.query<Row>(name, text, values);
    } catch (error) {
      throw new LedgerUnavailableError('nothing-written', error);
    }
  }

  /** A transaction id: tail readers may read up to it, excluded, by a later statement. Throws LedgerUnavailableError. */
  async horizon(): Promise<string> {
    const [row] = await this.read<{ horizon: string }>('ledger.horizon', horizonSql(this.schema));
    if (!row) throw new Error('the server told no horizon');
    return row.horizon;
  }

  async close(): Promise<void> {
    await Promise.all([this.shared.close(), this.reserved.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
