import { EVENT_VERSION } from '#domain';
import { DeciderTooOldError, LedgerUnavailableError } from '../errors.ts';
import { TERM_TTL_MS, type CurrentTerm, type Terms } from '../terms.ts';
import type { LedgerDatabase } from './ledger-database.ts';
import { isTooOld } from './too-old.ts';

/**
 * Two rows. `term` is what appends hold FOR SHARE and a takeover updates, so a takeover waits for appends in
 * flight and no later one gets through. `term_liveness` is what renewals update, so renewals and appends never
 * wait for each other. Only the database's clock is read.
 */
export class PostgresTerms implements Terms {
  private readonly ttlMs: number;

  constructor(
    private readonly database: LedgerDatabase,
    o: { ttlMs?: number } = {},
  ) {
    this.ttlMs = o.ttlMs ?? TERM_TTL_MS;
  }

  async campaign(holder: string): Promise<{ term: number } | null> {
    if (!(await this.retireStaleTerm())) return null;
    const { schema } = this.database;
    return this.reach(() =>
      this.database.reserved.withClient(async (client) => {
        await client.query('BEGIN');
        // Whoever holds this row is campaigning too: one winner, the others need not wait to hear that they lost.
        const open = await client.query(
          `SELECT FROM ${schema}.term_liveness WHERE resigned FOR UPDATE SKIP LOCKED`,
        );
        if (open.rowCount === 0) {
          await client.query('ROLLBACK');
          return null;
        }
        const taken = await client.query<{ term: string }>(
          `UPDATE ${schema}.term SET term = term + 1, holder = $1, taken_at = clock_timestamp(), writes = $2
           RETURNING term`,
          [holder, EVENT_VERSION],
        );
        const term = Number(taken.rows[0]?.term);
        await client.query(
          `UPDATE ${schema}.term_liveness SET term = $1, renewed_at = clock_timestamp(), resigned = false`,
          [term],
        );
        await client.query('COMMIT');
        return { term };
      }),
    );
  }

  async renew(term: number): Promise<boolean> {
    const rows = await this.query(
      'renew',
      `UPDATE ${this.database.schema}.term_liveness SET renewed_at = clock_timestamp()
       WHERE term = $1 AND NOT resigned RETURNING term`,
      [term],
    );
    return rows.length === 1;
  }

  async resign(term: number): Promise<void> {
    await this.query(
      'resign',
      `UPDATE ${this.database.schema}.term_liveness SET resigned = true WHERE term = $1`,
      [term],
    );
  }

  async current(): Promise<CurrentTerm> {
    const { schema } = this.database;
    const [row] = await this.query<{ term: string; holder: string; fresh: boolean; version: number }>(
      'current',
      `SELECT t.term, t.holder, t.event_version AS version,
         NOT l.resigned AND l.renewed_at >= clock_timestamp() - $1 * interval '1 millisecond' AS fresh
       FROM ${schema}.term t, ${schema}.term_liveness l`,
      [this.ttlMs],
    );
    return {
      term: Number(row?.term ?? 0),
      holder: row?.holder ?? '',
      fresh: row?.fresh ?? false,
      eventVersion: row?.version ?? 1,
    };
  }

  /**
   * Marks a silent holder's term as over, committed before the takeover itself: new share locks may overtake a
   * waiting update of `term` for ever, so a busy zombie's new appends must be refused first.
   * False: the holder is alive, or another campaign is under way. Who may not take the term does not end it either: a
   * newer holder that was silent for a moment goes on. Throws DeciderTooOldError then.
   */
  private async retireStaleTerm(): Promise<boolean> {
    const { schema } = this.database;
    const rows = await this.query(
      'retire',
      `UPDATE ${schema}.term_liveness SET resigned = true
       WHERE only_row IN (
         SELECT only_row FROM ${schema}.term_liveness
         WHERE (resigned OR renewed_at < clock_timestamp() - $1 * interval '1 millisecond')
           AND (SELECT event_version FROM ${schema}.term) <= $2
         FOR UPDATE SKIP LOCKED)
       RETURNING term`,
      [this.ttlMs, EVENT_VERSION],
    );
    if (rows.length === 1) return true;
    const { fresh, eventVersion } = await this.current();
    if (!fresh && eventVersion > EVENT_VERSION) throw new DeciderTooOldError(newerDecided(eventVersion));
    return false;
  }

  private query<Row extends object>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    return this.reach(() => this.database.reserved.query<Row>(`terms.${name}`, text, values));
  }

  /** Nobody may act on a half-known term: a failed campaign that did commit ends by its ttl. */
  private async reach<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      if (isTooOld(error)) throw new DeciderTooOldError(error);
      throw new LedgerUnavailableError('unknown', error);
    }
  }
}

/** As `refuse_older_decider` says it. */
function newerDecided(version: number): Error {
  return new Error(
    `This coordinator writes events of version ${EVENT_VERSION}, and one that writes version ${version} has decided here since: start a coordinator of that version`,
  );
}
