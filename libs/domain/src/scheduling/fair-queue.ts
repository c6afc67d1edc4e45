import { Heap } from '../heap.ts';

interface Entry<K> {
  key: K;
  pass: number;
  /** Who came first goes first among equals. */
  order: number;
}

/**
 * Takes turns by weight (stride scheduling, Waldspurger and Weihl 1995): each turn costs 1/weight, the one who has
 * paid least goes next. A weight of two gets two turns for one of a weight of one, and nobody waits for ever. Who comes
 * new, or back, begins where the last turn was taken: absence saves up no turns.
 */
export class FairQueue<K> {
  private readonly heap = new Heap<Entry<K>>(goesBefore);
  private readonly present = new Map<K, Entry<K>>();
  /** What was paid, of those who are away for now. Bounded by `forget`. */
  private readonly paid = new Map<K, number>();
  /** What had been paid by who went last. */
  private level = 0;
  private orders = 0;

  get size(): number {
    return this.present.size;
  }

  /** Nobody is here, and nobody who is away has paid anything. */
  get isForgotten(): boolean {
    return this.present.size === 0 && this.paid.size === 0;
  }

  has(key: K): boolean {
    return this.present.has(key);
  }

  add(key: K): void {
    if (this.present.has(key)) return;
    const entry = { key, pass: Math.max(this.paid.get(key) ?? 0, this.level), order: this.orders++ };
    this.present.set(key, entry);
    this.heap.push(entry);
  }

  /** Takes out whose turn it is. It costs nothing until `charge` is called. */
  next(): K | null {
    const entry = this.first();
    if (!entry) return null;
    this.heap.pop();
    this.present.delete(entry.key);
    this.paid.set(entry.key, entry.pass);
    this.level = entry.pass;
    return entry.key;
  }

  /** The turn was used. To be called while the key is out of the queue. */
  charge(key: K, weight: number): void {
    this.paid.set(key, (this.paid.get(key) ?? this.level) + 1 / weight);
  }

  /** Gone for good: what was paid is forgotten. */
  forget(key: K): void {
    this.present.delete(key);
    this.paid.delete(key);
  }

  /** How many go before it, if everybody takes one turn; null: it is not in the queue. */
  placeOf(key: K): number | null {
    const own = this.present.get(key);
    if (!own) return null;
    let before = 0;
    for (const entry of this.present.values()) if (entry !== own && goesBefore(entry, own)) before += 1;
    return before;
  }

  private first(): Entry<K> | undefined {
    for (let entry = this.heap.peek(); entry; entry = this.heap.peek()) {
      if (this.present.get(entry.key) === entry) return entry;
      this.heap.pop();
    }
    return undefined;
  }
}

function goesBefore<K>(a: Entry<K>, b: Entry<K>): boolean {
  return a.pass < b.pass || (a.pass === b.pass && a.order < b.order);
}
