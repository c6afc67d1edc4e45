import { TAIL_START } from '../cursor.ts';
import type { StoredEvent, TailCursor } from '../ledger.ts';
import { EVENT_COLUMNS, tailSql, toStoredEvent, type EventRow } from './event-row.ts';
import type { LedgerDatabase } from './ledger-database.ts';

/** How much one read may bring. One event comes however large it is: a reader always gets on. */
export interface PageBounds {
  events: number;
  bytes: number;
}

/** The ledger for readers who come and go, and may be slow: in pages that are bounded in bytes, too. */
export class EventPages {
  constructor(private readonly database: LedgerDatabase) {}

  /** One plan's events after `afterSeq`: complete up to the last commit. */
  async ofPlan(planId: string, afterSeq: number, bounds: PageBounds): Promise<StoredEvent[]> {
    const rows = await this.database.read<EventRow>(
      'pages.plan',
      within(
        `SELECT ${EVENT_COLUMNS} FROM ${this.events} WHERE plan_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
        'seq',
        '$4',
      ),
      [planId, afterSeq, bounds.events, bounds.bytes],
    );
    return rows.map(toStoredEvent);
  }

  /** Events of all plans after the cursor, as `Ledger.tail`: never skips one that commits late. */
  async ofAll(after: TailCursor, bounds: PageBounds): Promise<StoredEvent[]> {
    const horizon = await this.database.horizon();
    const rows = await this.database.read<EventRow>(
      'pages.tail',
      within(tailSql(this.database.schema), 'tx::xid8, position', '$5'),
      [after.tx, after.position.toString(), bounds.events, horizon, bounds.bytes],
    );
    return rows.map(toStoredEvent);
  }

  /** After everything that a tail reader could be told now. */
  async end(): Promise<TailCursor> {
    const horizon = await this.database.horizon();
    const [row] = await this.database.read<{ tx: string; position: string }>(
      'pages.end',
      `SELECT tx::text AS tx, position FROM ${this.events} e
       WHERE e.tx < $1::xid8 ORDER BY e.tx DESC, e.position DESC LIMIT 1`,
      [horizon],
    );
    return row ? { tx: row.tx, position: BigInt(row.position) } : TAIL_START;
  }

  /** Who a plan belongs to; null: no such plan. */
  async tenant(planId: string): Promise<string | null> {
    const [first] = await this.ofPlan(planId, 0, { events: 1, bytes: 1 });
    return first?.event.type === 'plan.submitted' ? first.event.data.tenant : null;
  }

  private get events(): string {
    return `${this.database.schema}.events`;
  }
}

/** `octet_length` of a stored text is read from its header: what is left out is not even unpacked. */
function within(page: string, order: string, bytes: string): string {
  return `SELECT * FROM (
      SELECT p.*, sum(octet_length(body)) OVER (ORDER BY ${order}) - octet_length(body) AS bytes_before
      FROM (${page}) p
    ) p WHERE bytes_before < ${bytes}::bigint ORDER BY ${order}`;
}
