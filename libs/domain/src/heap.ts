/** A binary heap: what `goesBefore` all others is on top. */
export class Heap<T> {
  private readonly items: T[] = [];

  constructor(private readonly goesBefore: (a: T, b: T) => boolean) {}

  get size(): number {
    return this.items.length;
  }

  push(item: T): void {
    this.items.push(item);
    for (let index = this.items.length - 1; index > 0;) {
      const parent = (index - 1) >> 1;
      if (!this.goesBefore(item, this.items[parent]!)) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  peek(): T | undefined {
    return this.items[0];
  }

  pop(): void {
    const last = this.items.pop();
    if (last === undefined || this.items.length === 0) return;
    this.items[0] = last;
    for (let index = 0; ;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.items.length && this.goesBefore(this.items[child]!, this.items[least]!))
          least = child;
      }
      if (least === index) return;
      this.swap(index, least);
      index = least;
    }
  }

  private swap(a: number, b: number): void {
    const item = this.items[a]!;
    this.items[a] = this.items[b]!;
    this.items[b] = item;
  }
}
