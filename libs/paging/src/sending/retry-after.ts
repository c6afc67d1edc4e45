/** A page that waits for longer is worth less than a request too many; and whoever says a year is mistaken. */
export const RETRY_AFTER_MAX_MS = 3_600_000;

/** `Retry-After` (RFC 9110: seconds, or a date) in milliseconds from now, within bounds; null: it says nothing. */
export function retryAfterMs(text: string | null, nowMs: number): number | null {
  if (text === null) return null;
  const value = text.trim();
  const waitMs = /^\d{1,12}$/.test(value) ? Number(value) * 1_000 : untilDate(value, nowMs);
  return Number.isFinite(waitMs) ? Math.min(RETRY_AFTER_MAX_MS, Math.max(0, waitMs)) : null;
}

/** Only what HTTP calls a date: `Date.parse` takes a good deal more. */
function untilDate(text: string, nowMs: number): number {
  return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
    ? Date.parse(text) - nowMs
    : NaN;
}
