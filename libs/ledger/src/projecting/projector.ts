import { setTimeout as delay } from 'node:timers/promises';
import { observe, secondsSince, type Logger } from '#telemetry';
import { compareCursors, TAIL_START } from '../cursor.ts';
import type { TailCursor } from '../ledger.ts';
import type { LedgerDatabase } from '../postgres/ledger-database.ts';
import { ProjectionStore, PROJECTING_TIMEOUT_MS } from './projection-store.ts';

export interface ProjectorOptions {
  log: Logger;
  /** Events of one transaction. */
  batch?: number;
  /** Without a nudge the tail is looked at this often: commits of other replicas. */
  pollMs?: number;
  /** Least pause between two rounds, so that a busy decider's nudges are answered in batches. */
  pauseMs?: number;
}

/**
 * Keeps `plans`, `steps` and `attempts` up to the tail. The cursor moves in the transaction that writes the rows:
 * every event counts exactly once, whatever dies. Every replica may run one; a row lock lets one work at a time.
 */
export class Projector {
  private readonly log: Logger;
  private readonly batch: number;
  private readonly pollMs: number;
  private readonly pauseMs: number;
  /** What this replica knows; the row in `projections` is the truth. */
  private cursor: TailCursor = TAIL_START;
  private loop: Promise<void> | null = null;
  private round: Promise<boolean> | null = null;
  private stopping = false;
  private nudged = false;
  private wake: () => void = () => undefined;
  /** When the rows were last known to hold everything committed, on `performance.now()`. */
  private caughtUpAt = performance.now();
  /** Everything that was committed at this instant: a fleet that never rests is never seen without news. */
  private goal: { cursor: TailCursor; at: number } | null = null;
  private offLag: () => void = () => undefined;

  constructor(
    private readonly database: LedgerDatabase,
    o: ProjectorOptions,
  ) {
    this.log = o.log;
    this.batch = o.batch ?? 500;
    this.pollMs = o.pollMs ?? 500;
    this.pauseMs = o.pauseMs ?? 25;
  }

  start(): void {
    if (this.loop) return;
    this.offLag = observe('projectorLag', (tell) => tell(secondsSince(this.caughtUpAt), {}));
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.offLag();
    this.wake();
    await this.loop;
    await this.round?.catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Something was committed. Costs nothing; call it after every append. */
  nudge(): void {
    this.nudged = true;
    this.wake();
  }

  /** True once the rows show the plan at `seq` or later. False after the timeout: an open append holds it back. */
  async waitFor(planId: string, seq: number, timeoutMs: number): Promise<boolean> {
    return this.until(timeoutMs, async () => {
      const rows = await this.database.read<{ head_seq: string }>(
        'projector.head',
        `SELECT head_seq FROM ${this.database.schema}.plans WHERE plan_id = $1`,
        [planId],
      );
      return Number(rows[0]?.head_seq ?? 0) >= seq;
    });
  }

  /** True once everything that was committed before this call is in the rows. */
  async caughtUp(timeoutMs: number): Promise<boolean> {
    const [newest] = await this.database.read<{ tx: string; position: string }>(
      'projector.newest',
      `SELECT tx::text AS tx, position FROM ${this.database.schema}.events e ORDER BY e.tx DESC, e.position DESC LIMIT 1`,
    );
    if (!newest) return true;
    const goal = { tx: newest.tx, position: BigInt(newest.position) };
    return this.until(timeoutMs, async () => compareCursors(await this.savedCursor(), goal) >= 0);
  }

  /** True once the event at this cursor, and all before it, are in the rows. */
  async caughtUpTo(goal: TailCursor, timeoutMs: number): Promise<boolean> {
    return this.until(timeoutMs, async () => compareCursors(await this.savedCursor(), goal) >= 0);
  }

  /** Empties the rows; the next rounds compute them anew from the first event. Readers see them grow. */
  async rebuild(): Promise<void> {
    await this.round?.catch(() => false);
    await this.inTransaction(async (store) => {
      await store.lockCursor({ wait: true });
      await store.empty();
      await store.saveCursor(TAIL_START);
    });
    this.cursor = TAIL_START;
    this.nudge();
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.nudged = false;
      let more = false;
      try {
        more = await this.advance();
      } catch (error) {
        if (!this.stopping) this.log.warn({ err: error }, 'the projector failed; it tries again');
      }
      if (!this.stopping) await this.sleep(more || this.nudged ? this.pauseMs : this.pollMs);
    }
  }

  /** A nudge ends a long sleep, but never the least pause. */
  private async sleep(ms: number): Promise<void> {
    const timer = new AbortController();
    this.wake = () => {
      if (this.stopping || ms > this.pauseMs) timer.abort();
    };
    if (this.stopping || (this.nudged && ms > this.pauseMs)) timer.abort();
    await delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
    this.wake = () => undefined;
  }

  private async until(timeoutMs: number, done: () => Promise<boolean>): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      if (await done()) return true;
      if (performance.now() >= deadline || this.stopping) return false;
      const more = await this.advance();
      if (!more) await delay(Math.max(1, Math.min(10, deadline - performance.now())));
    }
  }

  /** One round; whoever asks meanwhile shares it. True: it found something, and there may be more. */
  private advance(): Promise<boolean> {
    this.round ??= this.projectOnce().finally(() => (this.round = null));
    return this.round;
  }

  private async projectOnce(): Promise<boolean> {
    const horizon = await this.database.horizon();
    if (!(await this.hasNews(horizon))) return false;
    const round = await this.inTransaction(async (store) => {
      const cursor = await store.lockCursor({ wait: false });
      if (!cursor) return null;
      const events = await store.tail(cursor, this.batch, horizon);
      const last = events.at(-1);
      if (!last) return { cursor, moved: false };
      const next = { tx: last.tx, position: last.position };
      await store.apply(events);
      // Not the field: readers that look at the saved cursor meanwhile correct that one.
      await store.saveCursor(next);
      return { cursor: next, moved: true };
    });
    if (!round) return false;
    this.cursor = round.cursor;
    if (this.goal && compareCursors(this.cursor, this.goal.cursor) >= 0) {
      this.caughtUpAt = this.goal.at;
      this.goal = null;
    }
    return round.moved;
  }

  /**
   * Looks without a lock: an idle fleet's polling writes nothing. What is committed and cannot be taken in yet (an older
   * append is open) is no news, but the rows are behind.
   */
  private async hasNews(horizon: string): Promise<boolean> {
    const lookedAt = performance.now();
    const { schema } = this.database;
    const [next] = await this.database.read<{ readable: boolean; tx: string; position: string }>(
      'projector.news',
      `SELECT e.tx < $3::xid8 AS readable, newest.tx::text AS tx, newest.position
       FROM ${schema}.events e,
         (SELECT n.tx, n.position FROM ${schema}.events n ORDER BY n.tx DESC, n.position DESC LIMIT 1) newest
       WHERE (e.tx, e.position) > ($1::xid8, $2::bigint)
       ORDER BY e.tx, e.position LIMIT 1`,
      [this.cursor.tx, this.cursor.position.toString(), horizon],
    );
    if (next) this.goal ??= { cursor: { tx: next.tx, position: BigInt(next.position) }, at: lookedAt };
    else {
      this.caughtUpAt = lookedAt;
      this.goal = null;
    }
    return next?.readable ?? false;
  }

  private async savedCursor(): Promise<TailCursor> {
    const rows = await this.database.read<{ tx: string; position: string }>(
      'projector.cursor',
      `SELECT tx::text AS tx, position FROM ${this.database.schema}.projections WHERE name = 'plans'`,
    );
    const saved = rows[0] ? { tx: rows[0].tx, position: BigInt(rows[0].position) } : TAIL_START;
    // Another replica began a rebuild and died: what this one knows is too new.
    if (compareCursors(saved, this.cursor) < 0) this.cursor = saved;
    return saved;
  }

  private async inTransaction<T>(work: (store: ProjectionStore) => Promise<T>): Promise<T> {
    return this.database.shared.withClient(async (client) => {
      await client.query(
        `BEGIN; SET LOCAL statement_timeout = ${PROJECTING_TIMEOUT_MS};
         SET LOCAL idle_in_transaction_session_timeout = ${PROJECTING_TIMEOUT_MS}`,
      );
      const result = await work(new ProjectionStore(client, this.database.schema));
      await client.query('COMMIT');
      return result;
    });
  }
}
