/** How much of each capped thing one plan uses now, by a key such as `pool heavy`. */
export type Consumption = Map<string, number>;

/**
 * Sums of what all plans use. Each plan is counted by the difference to what was counted for it before, so that
 * counting twice, or counting a state that was read anew, is harmless.
 */
export class Counts {
  private readonly totals = new Map<string, number>();
  private readonly counted = new Map<string, Consumption>();

  of(key: string): number {
    return this.totals.get(key) ?? 0;
  }

  all(): MapIterator<[key: string, used: number]> {
    return this.totals.entries();
  }

  /** Returns the keys of which there is less use now. */
  update(planId: string, consumption: Consumption): string[] {
    const before = this.counted.get(planId);
    this.counted.set(planId, consumption);
    const freed: string[] = [];
    for (const [key, used] of consumption) this.shift(key, used - (before?.get(key) ?? 0), freed);
    if (before) for (const [key, used] of before) if (!consumption.has(key)) this.shift(key, -used, freed);
    return freed;
  }

  remove(planId: string): string[] {
    const freed: string[] = [];
    for (const [key, used] of this.counted.get(planId) ?? []) this.shift(key, -used, freed);
    this.counted.delete(planId);
    return freed;
  }

  private shift(key: string, delta: number, freed: string[]): void {
    if (delta === 0) return;
    const total = this.of(key) + delta;
    if (total === 0) this.totals.delete(key);
    else this.totals.set(key, total);
    if (delta < 0) freed.push(key);
  }
}
