import { createHash } from 'node:crypto';

/** Above this many steps a viewer shows nothing useful: one span per definition then. */
export const STEP_SPANS_MAX = 2_000;

/** Ids of the overview trace are hashes, so that whoever writes it, and however often, writes the same trace. */
export function overviewTraceId(planId: string): string {
  return hash(planId, 32);
}

/** `part` is `root`, `step <ordinal>` or `group <name>`. */
export function overviewSpanId(planId: string, part: string): string {
  return hash(`${planId} ${part}`, 16);
}

/** What other traces link to, known as soon as the plan has an id. */
export function overviewTraceparent(planId: string): string {
  return `00-${overviewTraceId(planId)}-${overviewSpanId(planId, 'root')}-01`;
}

function hash(text: string, hexDigits: number): string {
  return createHash('sha256').update(`skein overview ${text}`).digest('hex').slice(0, hexDigits);
}
