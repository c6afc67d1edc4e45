/** Exponential backoff with full jitter: anything between 0 and the doubled, bounded delay, never below `floorMs`. */
export function fullJitterMs(
  attempt: number,
  o: { baseMs: number; maxMs: number; floorMs?: number; random: () => number },
): number {
  const bound = Math.min(o.maxMs, o.baseMs * 2 ** Math.min(attempt, 20));
  return Math.max(o.floorMs ?? 0, o.random() * bound);
}
