/** Something that is to happen, at an instant of true time. */
export interface Happening {
  readonly atMs: number;
  readonly order: number;
  task: (() => void) | null;
}

/** The run has gone on longer than any run can. */
export class RunawayError extends Error {
  readonly code = 'runaway';
  constructor(happenings: number) {
    super(`more than ${happenings} things happened: something goes round in circles`);
    this.name = 'RunawayError';
  }
}

/** Far above what any run needs. */
const HAPPENINGS_MAX = 2_000_000;

/**
 * Virtual time. One thing happens after the other, by its instant and among equals by its order; between two of them
 * every promise that can settle has settled. Nothing here knows a real clock, so a run is a function of its seed.
 */
export class World {
  nowMs = 0;
  happened = 0;
  private orders = 0;
  private readonly heap: Happening[] = [];

  after(delayMs: number, task: () => void): Happening {
    return this.at(this.nowMs + Math.max(0, delayMs), task);
  }

  at(atMs: number, task: () => void): Happening {
    const happening = { atMs: Math.max(atMs, this.nowMs), order: this.orders++, task };
    this.push(happening);
    return happening;
  }

  get pending(): number {
    let pending = 0;
    for (const { task } of this.heap) if (task) pending += 1;
    return pending;
  }

  /**
   * Lets things happen until `isOver` says so, asked after each of them, or nothing is left. What a task or `isOver`
   * throws ends the run.
   */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          if (isOver() || !this.happen()) return resolve();
        } catch (error) {
          return reject(asError(error));
        }
        // Promises settle before the next turn of Node's loop.
        setImmediate(turn);
      };
      setImmediate(turn);
    });
  }

  /** False: nothing is left. */
  private happen(): boolean {
    for (let next = this.pop(); next; next = this.pop()) {
      const { task } = next;
      if (!task) continue;
      this.nowMs = next.atMs;
      this.happened += 1;
      if (this.happened > HAPPENINGS_MAX) throw new RunawayError(HAPPENINGS_MAX);
      next.task = null;
      task();
      return true;
    }
    return false;
  }

  private push(item: Happening): void {
    const { heap } = this;
    let index = heap.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Happening;
      if (!goesBefore(item, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = item;
  }

  private pop(): Happening | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && goesBefore(right, heap[child] as Happening)) child += 1;
      const below = heap[child] as Happening;
      if (!goesBefore(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function goesBefore(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
