import { parseBody } from '../chain/event-body.ts';
import type { StoredEvent } from '../ledger.ts';

/** A row of `events` as the driver gives it. */
export interface EventRow {
  position: string;
  tx: string;
  plan_id: string;
  seq: string;
  body: string;
  prev_hash: string;
  hash: string;
}

export const EVENT_COLUMNS = 'position, tx::text AS tx, plan_id, seq, body, prev_hash, hash';

/**
 * $1 tx, $2 position, $3 limit, $4 the horizon, asked for before: a writer below it is over, so what it wrote is visible
 * now, and no event before it can still appear.
 */
export function tailSql(schema: string): string {
  return `SELECT ${EVENT_COLUMNS} FROM ${schema}.events e
    WHERE (e.tx, e.position) > ($1::xid8, $2::bigint) AND e.tx < $4::xid8
    ORDER BY e.tx, e.position LIMIT $3`;
}

/** All but position and tx comes from the hashed bytes: a column that was tampered with misleads nobody. */
export function toStoredEvent(row: EventRow): StoredEvent {
  const { at, traceparent, event } = parseBody(row.body);
  return {
    position: BigInt(row.position),
    tx: row.tx,
    planId: row.plan_id,
    seq: Number(row.seq),
    at,
    traceparent,
    event,
    body: row.body,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}
