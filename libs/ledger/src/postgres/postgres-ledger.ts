import type { PoolClient, QueryResult } from 'pg';
import { chainAppends, EMPTY_HEAD, type ChainedEvent } from '../chain/event-body.ts';
import { LedgerUnavailableError, TermLostError } from '../errors.ts';
import type { Append, AppendResult, Head, Ledger, LedgerEvent, StoredEvent, TailCursor } from '../ledger.ts';
import { EVENT_COLUMNS, tailSql, toStoredEvent, type EventRow } from './event-row.ts';
import type { LedgerDatabase } from './ledger-database.ts';
import { measuringAppend } from './measured-append.ts';

/** An append with the rows that it writes. */
export interface Pending {
  append: Append<LedgerEvent>;
  rows: ChainedEvent[];
}

/** unique_violation, deadlock_detected: another writer was there; the whole transaction is gone. */
const COLLISIONS = new Set(['23505', '40P01']);

/** How often an append whose expected head is the actual head is tried before the database is called broken. */
const LONE_TRIES_MAX = 5;

/** The protocol and its invariants: README.md of this library. */
export class PostgresLedger implements Ledger {
  constructor(protected readonly database: LedgerDatabase) {}

  async appendAll(term: number, appends: Append<LedgerEvent>[]): Promise<AppendResult[]> {
    if (appends.length === 0) return [];
    return measuringAppend(appends, () => this.appendTogether(term, appends));
  }

  private async appendTogether(term: number, appends: Append<LedgerEvent>[]): Promise<AppendResult[]> {
    const chained = chainAppends(appends);
    const pendings = appends.map((append, i) => ({ append, rows: chained[i] ?? [] }));
    const written = await this.write(term, pendings);
    const results: AppendResult[] = [];
    for (const pending of pendings) {
      const { planId } = pending.append;
      if (written.has(planId)) results.push({ planId, status: 'appended', head: lastHead(pending) });
      else {
        const othersWritten = written.size > 0 || results.some((result) => result.status === 'appended');
        results.push(await this.appendAlone(term, pending, othersWritten));
      }
    }
    return results;
  }

  async read(planId: string, afterSeq: number, limit: number): Promise<StoredEvent[]> {
    const rows = await this.database.read<EventRow>(
      'ledger.read',
      `SELECT ${EVENT_COLUMNS} FROM ${this.events} WHERE plan_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
      [planId, afterSeq, limit],
    );
    return rows.map(toStoredEvent);
  }

  async head(planId: string): Promise<Head> {
    const [row] = await this.database.read<{ seq: string; hash: string }>(
      'ledger.head',
      `SELECT seq, hash FROM ${this.events} WHERE plan_id = $1 ORDER BY seq DESC LIMIT 1`,
      [planId],
    );
    return row ? { seq: Number(row.seq), hash: row.hash } : EMPTY_HEAD;
  }

  async openPlans(): Promise<string[]> {
    const rows = await this.database.read<{ plan_id: string }>(
      'ledger.open-plans',
      `SELECT s.plan_id FROM ${this.events} s
       WHERE s.type = 'plan.submitted' AND NOT EXISTS (
         SELECT FROM ${this.events} c WHERE c.plan_id = s.plan_id AND c.type = 'plan.closed' AND NOT EXISTS (
           SELECT FROM ${this.events} r
           WHERE r.plan_id = c.plan_id AND r.type = 'plan.reopened' AND r.seq > c.seq))
       ORDER BY s.tx, s.position`,
      [],
    );
    return rows.map((row) => row.plan_id);
  }

  async tail(after: TailCursor, limit: number): Promise<{ events: StoredEvent[]; cursor: TailCursor }> {
    const horizon = await this.database.horizon();
    const rows = await this.database.read<EventRow>('ledger.tail', tailSql(this.database.schema), [
      after.tx,
      after.position.toString(),
      limit,
      horizon,
    ]);
    const events = rows.map(toStoredEvent);
    const last = events.at(-1);
    return { events, cursor: last ? { tx: last.tx, position: last.position } : after };
  }

  private get events(): string {
    return `${this.database.schema}.events`;
  }

  /** A plan that did not fit into the shared commit, in its own transaction: nobody else's conflict decides. */
  protected async appendAlone(term: number, pending: Pending, othersWritten: boolean): Promise<AppendResult> {
    const { planId, expected } = pending.append;
    try {
      for (let tries = 0; tries < LONE_TRIES_MAX; tries++) {
        if ((await this.write(term, [pending])).has(planId)) {
          return { planId, status: 'appended', head: lastHead(pending) };
        }
        const actual = await this.head(planId);
        if (actual.seq !== expected.seq || actual.hash !== expected.hash) {
          return { planId, status: 'conflict', actual };
        }
      }
    } catch (error) {
      // The caller gets one answer for all its plans, and some of them may be written already.
      if (othersWritten && error instanceof LedgerUnavailableError) {
        throw new LedgerUnavailableError('unknown', error.cause);
      }
      throw error;
    }
    throw new LedgerUnavailableError('unknown', new Error(`plan ${planId} kept colliding at its own head`));
  }

  /** One transaction. Returns the plans that it wrote; on a collision none. */
  private async write(term: number, pendings: Pending[]): Promise<Set<string>> {
    let committing = false;
    try {
      return await this.database.shared.withClient(async (client) => {
        await this.holdTerm(client, term);
        const written = await this.insertFitting(client, pendings);
        if (written === null || written.size === 0) {
          await client.query('ROLLBACK');
          return new Set<string>();
        }
        committing = true;
        const { command } = await client.query('COMMIT');
        committing = command === 'COMMIT';
        if (!committing) throw new Error(`COMMIT was answered with ${command}`);
        return written;
      });
    } catch (error) {
      if (error instanceof TermLostError) throw error;
      throw new LedgerUnavailableError(committing ? 'unknown' : 'nothing-written', error);
    }
  }

  /**
   * Begins, and locks the term row until the commit: a takeover waits for us, and after one we see its term.
   * `resigned` is read without a lock, so that renewals and appends never wait for each other.
   */
  protected async holdTerm(client: PoolClient, term: number): Promise<void> {
    const { schema } = this.database;
    // Two statements in one message: a round trip less under the lock.
    const results = (await client.query(
      `BEGIN; SELECT t.term, l.resigned FROM ${schema}.term t, ${schema}.term_liveness l FOR SHARE OF t`,
    )) as unknown as QueryResult<{ term: string; resigned: boolean }>[];
    const row = results[1]?.rows[0];
    if (!row) throw new Error('the ledger has no term row');
    if (Number(row.term) === term && !row.resigned) return;
    await client.query('ROLLBACK');
    throw new TermLostError(term, Number(row.term));
  }

  /**
   * Writes every plan whose expected head is its head; a plan whose head moved is left out, not an error.
   * `head.tx < own` keeps a plan's events in the order of the tail: an event may only follow one of an earlier
   * transaction. null: a writer got between the look and the write, and the transaction is void.
   */
  protected async insertFitting(client: PoolClient, pendings: Pending[]): Promise<Set<string> | null> {
    const { schema } = this.database;
    const rows = pendings.flatMap((pending) => pending.rows);
    try {
      const result = await client.query<{ plan_id: string }>({
        name: 'ledger.insert',
        text: `
          WITH fitting AS (
            SELECT e.plan_id
            FROM unnest($1::text[], $2::bigint[], $3::text[]) AS e (plan_id, seq, hash)
            LEFT JOIN LATERAL (
              SELECT h.seq, h.hash, h.tx FROM ${schema}.events h
              WHERE h.plan_id = e.plan_id ORDER BY h.seq DESC LIMIT 1) head ON true
            WHERE CASE WHEN head.seq IS NULL THEN e.seq = 0 AND e.hash = '${EMPTY_HEAD.hash}'
              ELSE head.seq = e.seq AND head.hash = e.hash AND head.tx < pg_current_xact_id() END
          ), written AS (
            INSERT INTO ${schema}.events (plan_id, seq, type, body, prev_hash, hash)
            SELECT n.plan_id, n.seq, n.type, n.body, n.prev_hash, n.hash
            FROM unnest($4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[])
              WITH ORDINALITY AS n (plan_id, seq, type, body, prev_hash, hash, line)
            WHERE n.plan_id IN (SELECT plan_id FROM fitting)
            ORDER BY n.line
            RETURNING plan_id
          ) SELECT DISTINCT plan_id FROM written`,
        values: [
          pendings.map(({ append }) => append.planId),
          pendings.map(({ append }) => append.expected.seq),
          pendings.map(({ append }) => append.expected.hash),
          rows.map((row) => row.planId),
          rows.map((row) => row.seq),
          rows.map((row) => row.event.type),
          rows.map((row) => row.body),
          rows.map((row) => row.prevHash),
          rows.map((row) => row.hash),
        ],
      });
      return new Set(result.rows.map((row) => row.plan_id));
    } catch (error) {
      if (COLLISIONS.has((error as { code?: string }).code ?? '')) return null;
      throw error;
    }
  }
}

function lastHead({ append, rows }: Pending): Head {
  const last = rows.at(-1);
  return last ? { seq: last.seq, hash: last.hash } : append.expected;
}
