import { readExpression, type ReadExpression, SOURCE_MAX } from './expression-reader.ts';

/** Nodes that all cached trees together may have: some 10 MB. */
const CACHED_WEIGHT_MAX = 50_000;
const cache = new Map<string, { read: ReadExpression; weight: number }>();
let cachedWeight = 0;

/** As `readExpression`, from memory when the same source was read lately. */
export function rememberedExpression(source: string): ReadExpression {
  const known = cache.get(source);
  if (known) return known.read;
  const read = readExpression(source);
  // A tree has at most about one node for every two characters of its source.
  const weight = 8 + Math.ceil(Math.min(source.length, SOURCE_MAX * 4) / 2);
  if (source.length > SOURCE_MAX) return read;
  cache.set(source, { read, weight });
  cachedWeight += weight;
  for (const [oldest, { weight: freed }] of cache) {
    if (cachedWeight <= CACHED_WEIGHT_MAX) break;
    cache.delete(oldest);
    cachedWeight -= freed;
  }
  return read;
}

export function cachedExpressions(): { count: number; weight: number } {
  return { count: cache.size, weight: cachedWeight };
}
