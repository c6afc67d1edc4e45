import type { PoolClient, QueryConfig } from 'pg';
import { EVENT_VERSION, type Reason } from '#domain';
import type { StoredEvent, TailCursor } from '../ledger.ts';
import { tailSql, toStoredEvent, type EventRow } from '../postgres/event-row.ts';
import { cancelsOpenSteps, fold, touchedOrdinal } from './fold.ts';
import type { PlanRow } from './plan-row.ts';
import type { StepRow } from './step-row.ts';
import { WorkingSet } from './working-set.ts';

/** Rows in one statement; keeps a plan of 100,000 steps within memory and the statement timeout. */
const ROWS_PER_STATEMENT = 5_000;

/** Folding a plan of 100,000 steps takes longer than an append ever may. */
export const PROJECTING_TIMEOUT_MS = 60_000;

/** The projection's tables inside one transaction. */
export class ProjectionStore {
  constructor(
    private readonly client: PoolClient,
    private readonly schema: string,
  ) {}

  /** null: another replica is projecting right now, and the caller would not wait. */
  async lockCursor(o: { wait: boolean }): Promise<TailCursor | null> {
    const { rows } = await this.client.query<{ tx: string; position: string }>(
      `SELECT tx::text AS tx, position FROM ${this.schema}.projections WHERE name = 'plans' FOR UPDATE${o.wait ? '' : ' SKIP LOCKED'}`,
    );
    return rows[0] ? { tx: rows[0].tx, position: BigInt(rows[0].position) } : null;
  }

  async saveCursor(cursor: TailCursor): Promise<void> {
    await this.client.query(
      `UPDATE ${this.schema}.projections SET tx = $1::xid8, position = $2, writes = $3 WHERE name = 'plans'`,
      [cursor.tx, cursor.position.toString(), EVENT_VERSION],
    );
  }

  /** Up to a horizon that was asked for before. */
  async tail(after: TailCursor, limit: number, horizon: string): Promise<StoredEvent[]> {
    const { rows } = await this.client.query<EventRow>({
      name: 'projection.tail',
      text: tailSql(this.schema),
      values: [after.tx, after.position.toString(), limit, horizon],
    });
    return rows.map(toStoredEvent);
  }

  async apply(events: StoredEvent[]): Promise<void> {
    for (const segment of segments(events)) {
      const set = await this.load(segment);
      for (const stored of segment) fold(set, stored);
      await this.save(set);
      const last = segment.at(-1);
      const reason = last ? cancelsOpenSteps(last.event) : null;
      if (last && reason) await this.cancelOpenSteps(last, reason);
    }
  }

  async empty(): Promise<void> {
    const tables = ['attempts', 'steps', 'plans'];
    for (const table of tables) await this.long({ text: `DELETE FROM ${this.schema}.${table}` });
  }

  private async load(events: StoredEvent[]): Promise<WorkingSet> {
    const planIds = [...new Set(events.map((stored) => stored.planId))];
    const ordinals = events.map((stored) => touchedOrdinal(stored.event));
    const plans = await this.client.query<{ row: PlanRow }>({
      name: 'projection.plans',
      text: `SELECT row_to_json(p) AS row FROM ${this.schema}.plans p WHERE plan_id = ANY($1::text[])`,
      values: [planIds],
    });
    const steps = await this.client.query<{ row: StepRow }>({
      name: 'projection.steps',
      text: `SELECT row_to_json(s) AS row FROM ${this.schema}.steps s JOIN (
          SELECT DISTINCT * FROM unnest($1::text[], $2::integer[]) AS k (plan_id, ordinal)
        ) k ON s.plan_id = k.plan_id AND s.ordinal = k.ordinal`,
      values: [events.map((stored) => stored.planId), ordinals],
    });
    return new WorkingSet(
      plans.rows.map(({ row }) => row),
      steps.rows.map(({ row }) => row),
    );
  }

  private async save(set: WorkingSet): Promise<void> {
    await this.upsert('plans', 'plan_id', set.plans());
    await this.upsert('steps', 'plan_id, ordinal', set.steps());
    await this.upsert('attempts', 'plan_id, ordinal, attempt', set.attempts);
  }

  private async upsert(table: string, key: string, rows: object[]): Promise<void> {
    const columns = Object.keys(rows[0] ?? {});
    const updates = columns.map((column) => `${column} = excluded.${column}`).join(', ');
    for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
      await this.long({
        name: `projection.save-${table}`,
        text: `INSERT INTO ${this.schema}.${table} (${columns.join(', ')})
          SELECT ${columns.join(', ')} FROM json_populate_recordset(NULL::${this.schema}.${table}, $1::json)
          ON CONFLICT (${key}) DO UPDATE SET ${updates}`,
        values: [JSON.stringify(rows.slice(from, from + ROWS_PER_STATEMENT), storable)],
      });
    }
  }

  /** Every step that has not ended, but those that come after the plan's end. */
  private async cancelOpenSteps({ planId, at }: StoredEvent, reason: Reason): Promise<void> {
    await this.long({
      text: `UPDATE ${this.schema}.steps SET state = 'cancelled', ended_at = $2, reason = $3, not_before = NULL
       WHERE plan_id = $1 AND state IN ('waiting', 'sleeping', 'admitted', 'running')
         AND kind NOT IN ('clean', 'report')`,
      values: [planId, storable('', at), JSON.stringify(reason, storable)],
    });
    await this.long({
      text: `UPDATE ${this.schema}.plans SET counts = (
         SELECT coalesce(json_object_agg(state, n), '{}')::text FROM (
           SELECT state, count(*) AS n FROM ${this.schema}.steps WHERE plan_id = $1 GROUP BY state) c)
       WHERE plan_id = $1`,
      values: [planId],
    });
  }

  /** The client's own clock, too, must give these statements the transaction's time. */
  private async long(query: QueryConfig): Promise<void> {
    await this.client.query({ ...query, query_timeout: PROJECTING_TIMEOUT_MS + 2_000 } as QueryConfig);
  }
}

/** A text column holds neither NUL nor lone surrogates; the ledger itself keeps both. */
function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\uFFFD') : value;
}

/** Cut after what ends all open steps of a plan: it changes rows that no event of the batch names. */
function segments(events: StoredEvent[]): StoredEvent[][] {
  const result: StoredEvent[][] = [[]];
  for (const stored of events) {
    result.at(-1)?.push(stored);
    if (cancelsOpenSteps(stored.event)) result.push([]);
  }
  return result.filter((segment) => segment.length > 0);
}
