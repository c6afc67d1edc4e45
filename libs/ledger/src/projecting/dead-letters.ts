import { REDRIVEN_LATER, type PlanStatus, type Reason, type StepKind } from '#domain';
import { InvalidCursorError } from '../errors.ts';
import type { LedgerDatabase } from '../postgres/ledger-database.ts';
import { prefixPattern } from './plan-filter.ts';

/** A poisoned step, with what there is to know before it is redriven. */
export interface DeadLetterView {
  planId: string;
  planName: string;
  planStatus: PlanStatus;
  tenant: string;
  ordinal: number;
  name: string;
  kind: StepKind;
  reason: Reason | null;
  epoch: number;
  attemptsUsed: number;
  leasesLost: number;
  poisonedAt: string | null;
}

/** Which of them are wanted: all conditions hold. Absent: no such condition. */
export interface DeadLetterFilter {
  plan?: string | undefined;
  /** How the plan's name begins, in whatever case. */
  name?: string | undefined;
  tenant?: string | undefined;
  /** Code of the step's reason. */
  reason?: string | undefined;
}

export interface DeadLetterPage extends DeadLetterFilter {
  limit: number;
  /** The `next` of the page before. */
  cursor?: string | undefined;
}

type Row = Omit<DeadLetterView, 'reason'> & { position: string; reason: string | null };

/**
 * Of the newest plan first, within a plan by ordinal. No index knows of dead letters: it would make every change of a
 * step's state dearer. The counts of the plans say which of them have any.
 */
export async function deadLetters(
  database: LedgerDatabase,
  page: DeadLetterPage,
): Promise<{ deadLetters: DeadLetterView[]; next: string | null }> {
  const [position, ordinal] = parseCursor(page.cursor);
  const { schema } = database;
  const rows = await database.read<Row>(
    null,
    `SELECT p.plan_id AS "planId", p.name AS "planName", p.status AS "planStatus", p.tenant, p.position::text,
       s.ordinal, s.name, s.kind, s.reason, s.epoch, s.attempts_used AS "attemptsUsed",
       s.leases_lost AS "leasesLost", s.ended_at AS "poisonedAt"
     FROM ${schema}.plans p JOIN ${schema}.steps s ON s.plan_id = p.plan_id AND s.state = 'poisoned'
     WHERE p.counts NOT LIKE '%"poisoned":0,%'
       AND ($1::text IS NULL OR p.plan_id = $1) AND ($2::text IS NULL OR p.tenant = $2)
       AND ($3::text IS NULL OR lower(p.name COLLATE "C") LIKE $3)
       AND ($4::text IS NULL OR starts_with(s.reason, $4))
       AND ($5::bigint IS NULL OR p.position < $5 OR (p.position = $5 AND s.ordinal > $6::integer))
     ORDER BY p.position DESC, s.ordinal LIMIT $7`,
    [
      page.plan ?? null,
      page.tenant ?? null,
      page.name === undefined ? null : prefixPattern(page.name),
      // Reasons are kept as the JSON that the projection wrote.
      page.reason === undefined ? null : `{"code":${JSON.stringify(page.reason)},`,
      position,
      ordinal,
      page.limit + 1,
    ],
  );
  const shown = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? shown.at(-1) : undefined;
  return {
    deadLetters: shown.map(({ position: _, reason, ...row }) => ({
      ...row,
      reason: reason === null ? null : (JSON.parse(reason) as Reason),
    })),
    next: last ? `${last.position}-${last.ordinal}` : null,
  };
}

/**
 * When the last of those has its turn that were redriven at a rate and still wait; null: none waits. What poisoned them
 * is not known any more, so a filter's reason does not count.
 */
export async function lastRedriveAt(
  database: LedgerDatabase,
  { plan, name, tenant }: DeadLetterFilter,
  now: string,
): Promise<string | null> {
  const { schema } = database;
  const [row] = await database.read<{ last: string | null }>(
    null,
    `SELECT max(s.not_before COLLATE "C") AS last
     FROM ${schema}.plans p JOIN ${schema}.steps s ON s.plan_id = p.plan_id AND s.state = 'waiting'
     WHERE p.status = 'running' AND s.not_before COLLATE "C" > $1 AND starts_with(s.reason, $2)
       AND ($3::text IS NULL OR p.plan_id = $3) AND ($4::text IS NULL OR p.tenant = $4)
       AND ($5::text IS NULL OR lower(p.name COLLATE "C") LIKE $5)`,
    [
      now,
      `{"code":"${REDRIVEN_LATER}",`,
      plan ?? null,
      tenant ?? null,
      name === undefined ? null : prefixPattern(name),
    ],
  );
  return row?.last ?? null;
}

function parseCursor(cursor: string | undefined): [position: string | null, ordinal: number | null] {
  if (cursor === undefined) return [null, null];
  const [, position, ordinal] = /^(\d{1,19})-(\d{1,9})$/.exec(cursor) ?? [];
  if (position === undefined || BigInt(position) > 9223372036854775807n) throw new InvalidCursorError(cursor);
  return [position, Number(ordinal)];
}
