import type { PlanStatus } from '#domain';
import { labelTerm } from './plan-row.ts';

/** Which plans are wanted: all conditions hold. Absent or null: no such condition. */
export interface PlanFilter {
  status?: PlanStatus | null;
  tenant?: string | null;
  /** How the name begins, in whatever case. */
  namePrefix?: string | null;
  /** Each of them is there; `value` null: with any value. */
  labels?: readonly { key: string; value: string | null }[];
  /** ISO 8601 in UTC with milliseconds, both inclusive. */
  submittedFrom?: string | null;
  submittedTo?: string | null;
}

export interface PlanPage extends PlanFilter {
  limit: number;
  /** Of the page before, its last position. */
  before?: string | null;
}

/** The page, newest first, and one more if there is one. */
export function pageQuery(schema: string, page: PlanPage): { text: string; values: unknown[] } {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const add = (value: unknown, condition: (placeholder: string) => string): void => {
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  const { status, tenant, namePrefix, labels = [], submittedFrom, submittedTo, before } = page;
  if (status) add(status, (value) => `status = ${value}`);
  if (tenant) add(tenant, (value) => `tenant = ${value}`);
  if (namePrefix) add(prefixPattern(namePrefix), (value) => `lower(name COLLATE "C") LIKE ${value}`);
  if (labels.length > 0) {
    const terms = labels.map(({ key, value }) => labelTerm(key, value));
    add(terms, (value) => `label_terms @> ${value}::text[]`);
  }
  if (submittedFrom) add(submittedFrom, (value) => `submitted_at COLLATE "C" >= ${value}`);
  if (submittedTo) add(submittedTo, (value) => `submitted_at COLLATE "C" <= ${value}`);
  if (before) add(before, (value) => `position < ${value}::bigint`);
  add(page.limit + 1, () => 'true');
  const text = `SELECT * FROM ${schema}.plans WHERE ${conditions.join(' AND ')}
    ORDER BY position DESC LIMIT $${values.length}::integer`;
  return { text, values };
}

/** Names are ASCII; a letter that is not matches none of them. */
export function prefixPattern(prefix: string): string {
  return `${prefix.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
}
