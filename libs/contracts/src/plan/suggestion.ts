import { distance } from 'fastest-levenshtein';

/** The nearest of the candidates, if it is near enough to be what was meant. */
export function didYouMean(given: string, candidates: readonly string[]): string | null {
  if (given.length > 64) return null;
  let best: string | null = null;
  let bestDistance = Math.min(3, Math.ceil(given.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - given.length) >= bestDistance) continue;
    const apart = distance(given.toLowerCase(), candidate.toLowerCase());
    if (apart < bestDistance) [best, bestDistance] = [candidate, apart];
  }
  return best;
}

/** Names that may stand in a message as they are: those of a wrong text can hold anything. */
export function plainNames(names: Iterable<string>): string[] {
  return [...names].filter((name) => /^[A-Za-z0-9_.-]{1,64}$/.test(name));
}
