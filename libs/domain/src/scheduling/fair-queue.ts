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
  /** What was paid, of those who are away for now. Bounded by `forget` and `retire`. */
  private readonly paid = new Map<K, number>();
  /** Who left and had paid more than the others: forgotten when the others have, too. */
  private readonly retired = new Heap<Entry<K>>(goesBefore);
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

  /**
   * Takes out whose turn it is, of those who may. It costs nothing until `charge` is called. Who may not keeps the place,
   * and has one turn at once when that changes, but none for the time of waiting.
   */
  next(mayGo: (key: K) => boolean = () => true): K | null {
    const held: Entry<K>[] = [];
    let entry = this.first();
    for (; entry && !mayGo(entry.key); entry = this.first()) {
      held.push(entry);
      this.heap.pop();
    }
    if (entry) {
      this.heap.pop();
      this.present.delete(entry.key);
      this.level = Math.max(this.level, entry.pass);
      this.paid.set(entry.key, this.level);
    }
    for (const one of held) this.heap.push(one);
    this.forgetRetired();
    return entry?.key ?? null;
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

  /** Gone, and perhaps soon back: leaving must not be a way to have turns that others pay for. */
  retire(key: K): void {
    this.present.delete(key);
    const pass = this.paid.get(key);
    if (pass !== undefined) this.retired.push({ key, pass, order: 0 });
    this.forgetRetired();
  }

  /** How many go before it, if everybody takes one turn; null: it is not in the queue. */
  placeOf(key: K): number | null {
    const own = this.present.get(key);
    if (!own) return null;
    let before = 0;
    for (const entry of this.present.values()) if (entry !== own && goesBefore(entry, own)) before += 1;
    return before;
  }

  /** Who is here, in no order, with what decides about their turns. */
  entries(): MapIterator<Readonly<Entry<K>>> {
    return this.present.values();
  }

  private forgetRetired(): void {
    for (let gone = this.retired.peek(); gone && gone.pass <= this.level; gone = this.retired.peek()) {
      this.retired.pop();
      // Who came back, and paid more, is another matter.
      if (this.paid.get(gone.key) === gone.pass) this.paid.delete(gone.key);
    }
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
