/**
 * Ready steps that the same conditions admit: of one pool, one priority and the same locks. What holds the first of
 * a lane holds all of it, so admission looks at lanes and never walks past held steps.
 */
export interface Lane {
  readonly pool: string;
  readonly priority: number;
  /** Sorted names. */
  readonly locks: readonly string[];
  /** Of the step that integrates: it needs the branch for itself. */
  readonly integrates: boolean;
  readonly ready: ReadyQueue;
}

/** A first-in-first-out queue of ordinals without shifting: `head` moves, the array is cut now and then. */
export class ReadyQueue {
  private items: number[] = [];
  private head = 0;

  push(ordinal: number): void {
    this.items.push(ordinal);
  }

  peek(): number | undefined {
    return this.items[this.head];
  }

  shift(): void {
    this.head += 1;
    if (this.head > 1_024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
  }
}

/** The lanes of one plan, by pool, those of the highest priority first. */
export class Lanes {
  private readonly byPool = new Map<string, Lane[]>();

  /** The lane of what is asked for, made when it is first needed. */
  of(asked: Omit<Lane, 'ready'>): Lane {
    let lanes = this.byPool.get(asked.pool);
    if (!lanes) {
      lanes = [];
      this.byPool.set(asked.pool, lanes);
    }
    const found = lanes.find(
      ({ priority, locks, integrates }) =>
        priority === asked.priority && integrates === asked.integrates && same(locks, asked.locks),
    );
    if (found) return found;
    const lane = { ...asked, ready: new ReadyQueue() };
    lanes.push(lane);
    lanes.sort((a, b) => b.priority - a.priority);
    return lane;
  }

  /** Takes out the first of a lane; the lane goes behind its equals, so that they take turns. */
  shift(lane: Lane): void {
    lane.ready.shift();
    const lanes = this.byPool.get(lane.pool)!;
    if (lanes.length === 1) return;
    lanes.splice(lanes.indexOf(lane), 1);
    const behind = lanes.findIndex(({ priority }) => priority < lane.priority);
    lanes.splice(behind === -1 ? lanes.length : behind, 0, lane);
  }

  pools(): IterableIterator<string> {
    return this.byPool.keys();
  }

  inPool(pool: string): readonly Lane[] {
    return this.byPool.get(pool) ?? [];
  }
}

/** The first ready step of a lane; drops entries that are stale (admitted on replay, delayed, ended). */
export function firstReady(
  lane: Lane,
  steps: readonly { status: string; notBefore: number }[],
): number | undefined {
  for (let ordinal = lane.ready.peek(); ordinal !== undefined; ordinal = lane.ready.peek()) {
    const step = steps[ordinal];
    if (step?.status === 'ready' && step.notBefore === 0) return ordinal;
    lane.ready.shift();
  }
  return undefined;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
