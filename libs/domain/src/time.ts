/* eslint-disable no-restricted-globals -- conversions of a given instant: deterministic, unlike the clock that Date also is */

/** Milliseconds since the epoch to ISO 8601 in UTC. */
export function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

/** ISO 8601 to milliseconds since the epoch. */
export function fromIso(text: string): number {
  return new Date(text).getTime();
}
