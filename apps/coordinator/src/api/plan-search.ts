import type { PlanFilter } from '#ledger';
import type { PlanListQuery } from './describing/queries.ts';

/** What a list's query asks of the projections; an age is counted from `nowMs`. */
export function filterOf(query: PlanListQuery, nowMs: number): PlanFilter {
  const { status, tenant, name, label = [], createdAfter, createdBefore, age } = query;
  const turn = age && new Date(nowMs - age.ms).toISOString();
  return {
    status: status ?? null,
    tenant: tenant ?? null,
    namePrefix: name ?? null,
    labels: label.map(labelOf),
    submittedFrom: later(createdAfter, age?.younger ? turn : undefined),
    submittedTo: earlier(createdBefore, age?.younger === false ? turn : undefined),
  };
}

/** `k=v`, `k=` (an empty value), or `k` (any value). */
function labelOf(text: string): { key: string; value: string | null } {
  const sign = text.indexOf('=');
  return sign < 0 ? { key: text, value: null } : { key: text.slice(0, sign), value: text.slice(sign + 1) };
}

/** Times of one form: the order of their texts is theirs. */
function later(a: string | undefined, b: string | undefined): string | null {
  return (a !== undefined && b !== undefined ? (a > b ? a : b) : (a ?? b)) ?? null;
}

function earlier(a: string | undefined, b: string | undefined): string | null {
  return (a !== undefined && b !== undefined ? (a < b ? a : b) : (a ?? b)) ?? null;
}
