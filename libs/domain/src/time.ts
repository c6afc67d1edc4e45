/* eslint-disable no-restricted-globals -- conversions of a given instant: deterministic, unlike the clock that Date also is */

/** Milliseconds since the epoch to ISO 8601 in UTC. */
export function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

/** ISO 8601 to milliseconds since the epoch. */
export function fromIso(text: string): number {
  return new Date(text).getTime();
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

export const DURATION = /^([1-9]\d{0,8})(ms|s|m|h)$/;

/** `500ms`, `30s`, `10m`, `2h` in milliseconds; null when it is no duration. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text);
  return match ? Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS] : null;
}
