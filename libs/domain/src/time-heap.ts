import { Heap } from './heap.ts';

interface Alarm<K> {
  at: number;
  key: K;
}

/**
 * What falls due first. Nothing is taken out of its middle: who asks says whether an alarm still counts, and those
 * that do not are dropped on the way.
 */
export class TimeHeap<K extends number | string> {
  private readonly heap = new Heap<Alarm<K>>(
    // By key among equals: what comes out must not depend on how it came in.
    (a, b) => a.at < b.at || (a.at === b.at && a.key < b.key),
  );

  push(at: number, key: K): void {
    this.heap.push({ at, key });
  }

  /** The earliest alarm that still counts; null when there is none. */
  peek(counts: (key: K, at: number) => boolean): Alarm<K> | null {
    for (let first = this.heap.peek(); first; first = this.heap.peek()) {
      if (counts(first.key, first.at)) return first;
      this.heap.pop();
    }
    return null;
  }

  pop(): void {
    this.heap.pop();
  }
}
