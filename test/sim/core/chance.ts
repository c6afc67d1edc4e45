/**
 * Seeded chance (sfc32 over a hashed seed). Every part of a run draws from a fork of its own, so that one more draw in
 * one place leaves all other places as they were: a story keeps its shape while it is being shrunk.
 */
export class Chance {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;
  private readonly seed: string;

  constructor(seed: string) {
    this.seed = seed;
    const hash = hashes(seed);
    this.a = hash();
    this.b = hash();
    this.c = hash();
    for (let round = 0; round < 12; round += 1) this.next();
  }

  fork(name: string): Chance {
    return new Chance(`${this.seed}/${name}`);
  }

  /** From 0 to below 1. */
  next(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (this.c << 21) | (this.c >>> 11);
    this.c = (this.c + t) | 0;
    return (t >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** A number between two. */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** True in this share of cases. */
  bool(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** Each item with this share. */
  some<T>(items: readonly T[], share: number): T[] {
    return items.filter(() => this.bool(share));
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const other = this.int(0, last);
      [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
    }
    return shuffled;
  }
}

/** cyrb-style string hash that gives as many 32-bit words as are asked for. */
function hashes(text: string): () => number {
  let h = 1_779_033_703 ^ text.length;
  for (let i = 0; i < text.length; i += 1) {
    h = Math.imul(h ^ text.charCodeAt(i), 3_432_918_353);
    h = (h << 13) | (h >>> 19);
  }
  return () => {
    h = Math.imul(h ^ (h >>> 16), 2_246_822_507);
    h = Math.imul(h ^ (h >>> 13), 3_266_489_909);
    h ^= h >>> 16;
    return h >>> 0;
  };
}
