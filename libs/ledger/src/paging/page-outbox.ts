import type { PoolClient } from 'pg';
import { EventTooNewError } from '#domain';
import { DeciderTooOldError, LedgerUnavailableError } from '../errors.ts';
import type { LedgerDatabase } from '../postgres/ledger-database.ts';
import { isTooOld } from '../postgres/too-old.ts';
import type {
  Batch,
  DuePage,
  Facts,
  Made,
  NewPage,
  OpenAlerts,
  PagedEvent,
  SinkState,
} from './outbox-rows.ts';
import { OutboxSession, type News } from './outbox-session.ts';
import { toDuePage, toSinkState, type DueRow, type SinkRow } from './page-row.ts';

export interface Collected {
  waiting: number;
  /** ms; null: the last try succeeded. */
  failingSinceMs: number | null;
  /** There may be more news. */
  more: boolean;
  unreadable: number;
}

/**
 * Where pages wait for their sinks, and what became of them. Each sink has a cursor of its own in the ledger's tail, and
 * it moves in the transaction that writes the pages: every event is looked at exactly once for every sink, whatever dies.
 * All times are the caller's clock (ms). Throws LedgerUnavailableError; what was not written then comes again. `collect`
 * throws EventTooNewError or DeciderTooOldError when a newer version of the program writes events: the cursor stays for it.
 */
export class PageOutbox {
  constructor(private readonly database: LedgerDatabase) {}

  /**
   * Makes pages of what was committed since. A sink with `waitingMax` pages waiting gets no new ones: its cursor stands
   * still, and nothing is dropped. null: another replica is at it.
   */
  async collect(
    sink: string,
    o: { types: readonly string[]; events: number; waitingMax: number; nowMs: number },
    make: (batch: Batch) => Made,
  ): Promise<Collected | null> {
    return this.inSession(sink, async (session) => {
      const locked = await session.lock();
      if (!locked) return null;
      const waiting = await session.waiting();
      const failingSinceMs = locked.failingSince?.getTime() ?? null;
      if (waiting >= o.waitingMax) return { waiting, failingSinceMs, more: false, unreadable: 0 };
      const news = await session.news(locked.cursor, o.types, o.events);
      if (!news.last) return { waiting, failingSinceMs, more: false, unreadable: 0 };
      const made = await makeOf(session, news, waiting, make);
      await session.write(made.pages, made.closed, new Date(o.nowMs));
      const end = endOf(news, made.consumed);
      if (end) await session.moveTo(end);
      const all = made.consumed === news.events.length;
      return {
        waiting: waiting + made.pages.length,
        failingSinceMs,
        more: news.full && all,
        unreadable: made.unreadable + (all ? news.unreadable : 0),
      };
    });
  }

  /**
   * For what is no event: holds what is the case against the incidents of these kinds that are open. False: another
   * replica is at it.
   */
  async reconcile(
    sink: string,
    o: {
      kinds: readonly string[];
      incidents: readonly string[];
      planIds: readonly string[];
      nowMs: number;
    },
    make: (alerts: OpenAlerts) => { pages: readonly NewPage[]; closed: readonly string[] },
  ): Promise<boolean> {
    return this.inSession(sink, async (session) => {
      if (!(await session.lock())) return false;
      const open = await session.openOfKinds(o.kinds);
      const before = await session.closedTriggers([...o.incidents, ...open.map(({ incident }) => incident)]);
      const planIds = [...o.planIds, ...open.map(({ planId }) => planId)];
      const facts = await session.facts(planIds.map((planId) => ({ planId, ordinal: null })));
      const closedBefore = (incident: string) => before.get(incident) ?? 0;
      const { pages, closed } = make({ open, closedBefore, facts });
      await session.write(pages, closed, new Date(o.nowMs));
      return true;
    });
  }

  /**
   * The page whose turn it is, held until `heldUntilMs`: nobody else takes it before. Fewest tries first, so that one that
   * its sink cannot take stands in nobody's way; of one incident always the oldest. null: none is due.
   */
  async take(sink: string, o: { nowMs: number; heldUntilMs: number }): Promise<DuePage | null> {
    const { schema } = this.database;
    const [row] = await this.query<DueRow>(
      `WITH taken AS (
         UPDATE ${schema}.pages SET held_until = $3, tries = tries + 1,
           first_tried_at = coalesce(first_tried_at, $2)
         WHERE id = (
           SELECT p.id FROM ${schema}.pages p JOIN ${schema}.sinks s ON s.name = p.sink
           WHERE p.sink = $1 AND p.state = 'waiting' AND p.due_at <= $2
             AND (p.held_until IS NULL OR p.held_until <= $2) AND (s.resume_at IS NULL OR s.resume_at <= $2)
             AND NOT EXISTS (SELECT FROM ${schema}.pages e WHERE e.sink = $1 AND e.state = 'waiting'
               AND e.incident = p.incident AND e.number < p.number)
           ORDER BY p.tries, p.number LIMIT 1 FOR UPDATE OF p SKIP LOCKED)
         RETURNING *)
       SELECT t.*, s.failures FROM taken t JOIN ${schema}.sinks s ON s.name = t.sink`,
      [sink, new Date(o.nowMs), new Date(o.heldUntilMs)],
    );
    return row ? toDuePage(row) : null;
  }

  /** The sink has it: it is never sent again. */
  async acknowledge(sink: string, id: string, nowMs: number): Promise<void> {
    const now = new Date(nowMs);
    await this.settle(
      `SET failures = 0, failing_since = NULL, resume_at = NULL, last_success_at = $2 WHERE name = $1`,
      [sink, now],
      `SET state = 'acknowledged', settled_at = $2, held_until = NULL WHERE id = $1 AND state = 'waiting'`,
      [id, now],
    );
  }

  /** It is tried again from `dueAtMs` on, and the sink at all only from `resumeAtMs` on. */
  async fail(
    sink: string,
    id: string,
    o: { nowMs: number; dueAtMs: number; resumeAtMs: number; error: string },
  ): Promise<void> {
    await this.settle(
      FAILED,
      [sink, new Date(o.nowMs), o.error, new Date(o.resumeAtMs), 0],
      `SET due_at = $2, held_until = NULL WHERE id = $1 AND state = 'waiting'`,
      [id, new Date(o.dueAtMs)],
    );
  }

  /** It was tried for long enough. Its incident counts as closed: nobody was told that it began. */
  async giveUp(
    sink: string,
    id: string,
    o: { nowMs: number; resumeAtMs: number; error: string },
  ): Promise<void> {
    const now = new Date(o.nowMs);
    await this.settle(
      FAILED,
      [sink, now, o.error, new Date(o.resumeAtMs), 1],
      `SET state = 'given-up', open = false, settled_at = $2, held_until = NULL WHERE id = $1 AND state = 'waiting'`,
      [id, now],
    );
  }

  /** Its sending was broken off by us: the next one who looks may send it. */
  async release(sink: string, id: string): Promise<void> {
    await this.query(
      `UPDATE ${this.database.schema}.pages SET held_until = NULL, tries = greatest(0, tries - 1)
       WHERE sink = $1 AND id = $2 AND state = 'waiting'`,
      [sink, id],
    );
  }

  /** The sink works again: what waits is due now. */
  async resume(sink: string, nowMs: number): Promise<void> {
    const now = new Date(nowMs);
    await this.settle(
      `SET resume_at = NULL, last_success_at = $2 WHERE name = $1`,
      [sink, now],
      `SET due_at = $2 WHERE sink = $1 AND state = 'waiting'`,
      [sink, now],
    );
  }

  /** Only those that a decider has seen. */
  async states(sinks: readonly string[]): Promise<SinkState[]> {
    const { schema } = this.database;
    const rows = await this.query<SinkRow>(
      `SELECT s.*, (SELECT count(*) FROM ${schema}.pages p WHERE p.sink = s.name AND p.state = 'waiting')::integer
         AS waiting
       FROM ${schema}.sinks s WHERE s.name = ANY($1::text[])`,
      [sinks],
    );
    return rows.map(toSinkState);
  }

  /** Forgets pages that were settled before: of incidents that are open only those settled before `openBeforeMs`. */
  async prune(sink: string, o: { beforeMs: number; openBeforeMs: number; limit: number }): Promise<number> {
    const { schema } = this.database;
    const rows = await this.query(
      `DELETE FROM ${schema}.pages WHERE id IN (
         SELECT id FROM ${schema}.pages WHERE sink = $1 AND state <> 'waiting'
           AND settled_at < CASE WHEN open THEN $3::timestamptz ELSE $2::timestamptz END LIMIT $4) RETURNING id`,
      [sink, new Date(o.beforeMs), new Date(o.openBeforeMs), o.limit],
    );
    return rows.length;
  }

  /** The sink's row first, as everybody else locks: two replicas must not wait for each other. */
  private async settle(
    sinkSql: string,
    sinkValues: unknown[],
    pageSql: string,
    pageValues: unknown[],
  ): Promise<void> {
    const { schema } = this.database;
    await this.inTransaction(async (client) => {
      await client.query(`UPDATE ${schema}.sinks ${sinkSql}`, sinkValues);
      await client.query(`UPDATE ${schema}.pages ${pageSql}`, pageValues);
    });
  }

  private async query<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return await this.database.shared.query<Row>(null, text, values);
    } catch (error) {
      throw new LedgerUnavailableError('unknown', error);
    }
  }

  private async inSession<T>(sink: string, work: (session: OutboxSession) => Promise<T>): Promise<T> {
    const horizon = await this.database.horizon();
    return this.inTransaction((client) =>
      work(new OutboxSession(client, this.database.schema, sink, horizon)),
    );
  }

  private async inTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    try {
      return await this.database.shared.withClient(async (client) => {
        await client.query('BEGIN');
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      });
    } catch (error) {
      if (error instanceof EventTooNewError) throw error;
      if (isTooOld(error)) throw new DeciderTooOldError(error);
      throw new LedgerUnavailableError('unknown', error);
    }
  }
}

const FAILED = `SET failures = failures + 1, failing_since = coalesce(failing_since, $2), last_error_at = $2,
  last_error = $3, resume_at = $4, given_up = given_up + $5 WHERE name = $1`;

async function makeOf(
  session: OutboxSession,
  news: News,
  waiting: number,
  make: (batch: Batch) => Made,
): Promise<Made> {
  if (news.events.length === 0) return { pages: [], closed: [], consumed: 0, unreadable: 0 };
  const events = news.events.map(({ paged }) => paged);
  const of = events.flatMap((paged) => {
    const { data } = paged.event;
    return plansOf(paged).map((planId) => ({ planId, ordinal: 'ordinal' in data ? data.ordinal : null }));
  });
  const open = await session.open([...new Set(events.flatMap(plansOf))]);
  const facts: Facts = await session.facts(of);
  return make({ events, facts, open, waiting });
}

/** Whom an event concerns: a fork takes up what another plan left. */
function plansOf({ planId, event }: PagedEvent): string[] {
  const source = event.type === 'plan.submitted' ? event.data.forkedFrom?.planId : undefined;
  return source === undefined ? [planId] : [planId, source];
}

/** All of it, or just before the first event that is to come again; null: where it was. */
function endOf({ last, events }: News, consumed: number): News['last'] {
  return consumed === events.length ? last : (events[consumed - 1]?.at ?? null);
}
