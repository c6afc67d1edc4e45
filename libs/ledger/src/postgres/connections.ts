import pg from 'pg';
import type { Logger } from '#telemetry';

export interface ConnectionsOptions {
  url: string;
  maxConnections: number;
  /** A statement that takes longer is ended by the server. */
  statementTimeoutMs: number;
  /** A transaction whose client stays silent this long is ended by the server, and its locks with it. */
  idleInTransactionTimeoutMs: number;
  connectTimeoutMs: number;
  applicationName: string;
  log: Logger;
}

/** A bounded pool of connections. Owner: who made it; `close()` ends it. */
export class Connections {
  private readonly pool: pg.Pool;

  constructor(o: ConnectionsOptions) {
    this.pool = new pg.Pool({
      connectionString: o.url,
      max: o.maxConnections,
      application_name: o.applicationName,
      connectionTimeoutMillis: o.connectTimeoutMs,
      statement_timeout: o.statementTimeoutMs,
      idle_in_transaction_session_timeout: o.idleInTransactionTimeoutMs,
      // The client's own clock, for a server or network that no longer answers at all.
      query_timeout: o.statementTimeoutMs + 2_000,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
    });
    const onError = (error: Error) => o.log.warn({ err: error }, 'a ledger connection broke');
    // Without a listener a connection that dies between two queries would end the process.
    this.pool.on('error', onError);
    this.pool.on('connect', (client) => client.on('error', onError));
  }

  /**
   * One statement in its own transaction. `name` makes it a prepared statement: one name, one text. null: planned anew
   * each time, for its values.
   */
  async query<Row extends object>(name: string | null, text: string, values: unknown[] = []): Promise<Row[]> {
    const result = await this.pool.query<Row>({ ...(name !== null && { name }), text, values });
    return result.rows;
  }

  /** Hands out a connection; one whose use threw is thrown away, and the server rolls back what it had open. */
  async withClient<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      const result = await use(client);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async close(): Promise<void> {
    if (!this.pool.ended) await this.pool.end();
  }
}
