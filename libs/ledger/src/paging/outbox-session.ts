import type { PoolClient } from 'pg';
import { EVENT_VERSION, EventTooNewError } from '#domain';
import type { TailCursor } from '../ledger.ts';
import { EVENT_COLUMNS, toStoredEvent, type EventRow } from '../postgres/event-row.ts';
import type { Facts, NewPage, OpenIncident, PagedEvent } from './outbox-rows.ts';

/** A page of the tail: its last event, and those that may be paged. */
export interface News {
  /** null: there is nothing after the cursor. */
  last: TailCursor | null;
  /** The page was full: there may be more. */
  full: boolean;
  events: { at: TailCursor; paged: PagedEvent }[];
  /** Events that nobody can make sense of; their plans stand still, and are paged as that. */
  unreadable: number;
}

/** One sink's rows, in a transaction that holds the sink: whoever else makes pages for it waits, or goes away. */
export class OutboxSession {
  constructor(
    private readonly client: PoolClient,
    private readonly schema: string,
    private readonly sink: string,
    /** How far the tail can be read; asked for before this transaction began. */
    private readonly horizon: string,
  ) {}

  /** null: another replica is at it. A sink that was never seen begins with what is committed from now on. */
  async lock(): Promise<{ cursor: TailCursor; failingSince: Date | null } | null> {
    const { schema, sink } = this;
    const found = async () => {
      const { rows } = await this.client.query<{ tx: string; position: string; failing_since: Date | null }>(
        `SELECT tx::text AS tx, position, failing_since FROM ${schema}.sinks WHERE name = $1 FOR UPDATE SKIP LOCKED`,
        [sink],
      );
      const row = rows[0];
      if (!row) return null;
      return { cursor: { tx: row.tx, position: BigInt(row.position) }, failingSince: row.failing_since };
    };
    const locked = await found();
    if (locked) return locked;
    const { rowCount } = await this.client.query(
      `INSERT INTO ${schema}.sinks (name, tx, position)
       SELECT $1, coalesce(e.tx, '0'), coalesce(e.position, 0) FROM (VALUES (1)) one LEFT JOIN (
         SELECT tx, position FROM ${schema}.events n WHERE n.tx < $2::xid8
         ORDER BY n.tx DESC, n.position DESC LIMIT 1) e ON true
       ON CONFLICT DO NOTHING`,
      [sink, this.horizon],
    );
    return rowCount === 1 ? found() : null;
  }

  async waiting(): Promise<number> {
    const { rows } = await this.client.query<{ waiting: number }>(
      `SELECT count(*)::integer AS waiting FROM ${this.schema}.pages WHERE sink = $1 AND state = 'waiting'`,
      [this.sink],
    );
    return rows[0]?.waiting ?? 0;
  }

  /** As `Ledger.tail` reads: never past what commits late. What is not asked for is not even unpacked. */
  async news(after: TailCursor, types: readonly string[], limit: number): Promise<News> {
    const { rows } = await this.client.query<Partial<EventRow> & NewsRow>(
      `WITH page AS MATERIALIZED (
         SELECT ${EVENT_COLUMNS}, type FROM ${this.schema}.events e
         WHERE (e.tx, e.position) > ($1::xid8, $2::bigint) AND e.tx < $5::xid8
         ORDER BY e.tx, e.position LIMIT $3
       ), last AS (SELECT tx, position FROM page ORDER BY tx::xid8 DESC, position DESC LIMIT 1)
       SELECT last.tx AS last_tx, last.position AS last_position, (SELECT count(*) FROM page)::integer AS size, n.*
       FROM last LEFT JOIN page n ON n.type = ANY($4::text[]) ORDER BY n.tx::xid8, n.position`,
      [after.tx, after.position.toString(), limit, types, this.horizon],
    );
    const [first] = rows;
    if (!first) return { last: null, full: false, events: [], unreadable: 0 };
    const events = rows.flatMap((row) => (row.body === null ? [] : [readable(row as EventRow)]));
    return {
      last: { tx: first.last_tx, position: BigInt(first.last_position) },
      full: first.size === limit,
      events: events.flatMap((event) => event ?? []),
      unreadable: events.filter((event) => event === null).length,
    };
  }

  async open(planIds: readonly string[]): Promise<OpenIncident[]> {
    return this.incidents('plan_id = ANY($2::text[])', planIds);
  }

  async openOfKinds(kinds: readonly string[]): Promise<OpenIncident[]> {
    return this.incidents('kind = ANY($2::text[])', kinds);
  }

  private async incidents(which: string, values: readonly string[]): Promise<OpenIncident[]> {
    const { rows } = await this.client.query<{
      plan_id: string;
      incident: string;
      kind: string;
      content: string;
    }>(
      `SELECT plan_id, incident, kind, content FROM ${this.schema}.pages
       WHERE sink = $1 AND open AND ${which} ORDER BY number`,
      [this.sink, values],
    );
    return rows.map(({ plan_id: planId, ...row }) => ({ planId, ...row }));
  }

  /** By incident: triggers that are closed. */
  async closedTriggers(incidents: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await this.client.query<{ incident: string; closed: number }>(
      `SELECT incident, count(*)::integer AS closed FROM ${this.schema}.pages
       WHERE sink = $1 AND incident = ANY($2::text[]) AND action = 'trigger' AND NOT open GROUP BY incident`,
      [this.sink, incidents],
    );
    return new Map(rows.map(({ incident, closed }) => [incident, closed]));
  }

  async facts(of: readonly { planId: string; ordinal: number | null }[]): Promise<Facts> {
    const { schema, client } = this;
    const plans = await client.query<{
      plan_id: string;
      name: string;
      tenant: string;
      haltedAt: string | null;
    }>(
      `SELECT plan_id, name, tenant, CASE status WHEN 'halted' THEN ended_at END AS "haltedAt" FROM ${schema}.plans WHERE plan_id = ANY($1::text[])`,
      [[...new Set(of.map(({ planId }) => planId))]],
    );
    const steps = await client.query<{ plan_id: string; ordinal: number; name: string; kind: string }>(
      `SELECT s.plan_id, s.ordinal, s.name, s.kind FROM ${schema}.steps s JOIN (
         SELECT DISTINCT * FROM unnest($1::text[], $2::integer[]) AS k (plan_id, ordinal)
       ) k ON s.plan_id = k.plan_id AND s.ordinal = k.ordinal`,
      [of.map(({ planId }) => planId), of.map(({ ordinal }) => ordinal)],
    );
    const planOf = new Map(plans.rows.map((row) => [row.plan_id, row]));
    const stepOf = new Map(steps.rows.map((row) => [`${row.plan_id}/${row.ordinal}`, row]));
    return {
      plan: (planId) => planOf.get(planId) ?? null,
      step: (planId, ordinal) => stepOf.get(`${planId}/${ordinal}`) ?? null,
    };
  }

  /** Closes first: a page of the same making may open the incident again. */
  async write(pages: readonly NewPage[], closed: readonly string[], now: Date): Promise<void> {
    const { schema, client, sink } = this;
    if (closed.length > 0) {
      await client.query(
        `UPDATE ${schema}.pages SET open = false WHERE sink = $1 AND open AND incident = ANY($2::text[])`,
        [sink, closed],
      );
    }
    if (pages.length === 0) return;
    await client.query(
      `INSERT INTO ${schema}.pages (sink, made_at, due_at, id, plan_id, incident, action, kind, content, open)
       SELECT $1, $2, $2, n.id, n.plan_id, n.incident, n.action, n.kind, n.content, n.open
       FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[])
         WITH ORDINALITY AS n (id, plan_id, incident, action, kind, content, open, line)
       ORDER BY n.line ON CONFLICT (id) DO NOTHING`,
      [
        sink,
        now,
        ...(['id', 'planId', 'incident', 'action', 'kind', 'content', 'open'] as const).map((key) =>
          pages.map((page) => page[key]),
        ),
      ],
    );
  }

  async moveTo(cursor: TailCursor): Promise<void> {
    await this.client.query(
      `UPDATE ${this.schema}.sinks SET tx = $2::xid8, position = $3, writes = $4 WHERE name = $1`,
      [this.sink, cursor.tx, cursor.position.toString(), EVENT_VERSION],
    );
  }
}

interface NewsRow {
  last_tx: string;
  last_position: string;
  size: number;
}

/**
 * One event that cannot be read must not keep everybody else's pages back. Throws EventTooNewError: a newer program can
 * read that one, and whoever moved the cursor past it would keep its page from being made at all.
 */
function readable(row: EventRow): { at: TailCursor; paged: PagedEvent } | null {
  try {
    const { planId, seq, at, event, tx, position } = toStoredEvent(row);
    if (typeof event.data !== 'object' || event.data === null) return null;
    return { at: { tx, position }, paged: { planId, seq, at, event } };
  } catch (error) {
    if (error instanceof EventTooNewError) throw error;
    return null;
  }
}
