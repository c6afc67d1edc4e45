import fc from 'fast-check';
import { FairQueue } from './fair-queue.ts';

/** Everybody who had a turn wants the next one, too. */
function turns(queue: FairQueue<string>, weights: Record<string, number>, count: number): string[] {
  return Array.from({ length: count }, () => {
    const key = queue.next()!;
    queue.charge(key, weights[key]!);
    queue.add(key);
    return key;
  });
}

describe('a fair queue', () => {
  it('goes round among equals in the order in which they came', () => {
    const queue = new FairQueue<string>();
    for (const key of ['a', 'b', 'c']) queue.add(key);
    expect(turns(queue, { a: 1, b: 1, c: 1 }, 6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('gives turns in proportion to weight, so that no two are ever more than a turn apart', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 400 }), (list, count) => {
        const byKey = Object.fromEntries(list.map((weight, index) => [`k${index}`, weight]));
        const queue = new FairQueue<string>();
        for (const key of Object.keys(byKey)) queue.add(key);
        const seen = turns(queue, byKey, count);
        const paid = list.map((weight, index) => seen.filter((key) => key === `k${index}`).length / weight);
        for (const [one, weight] of list.entries())
          for (const [other, otherWeight] of list.entries())
            expect(paid[one]! - paid[other]!).toBeLessThanOrEqual(1 / weight + 1 / otherWeight + 1e-9);
      }),
    );
  });

  it('saves up no turns for who was away', () => {
    const queue = new FairQueue<string>();
    queue.add('here');
    turns(queue, { here: 1 }, 1_000);
    queue.add('back');
    expect(turns(queue, { here: 1, back: 1 }, 4).filter((key) => key === 'back')).toHaveLength(2);
  });

  it('charges nothing for a turn that was not used', () => {
    const queue = new FairQueue<string>();
    for (const key of ['a', 'b']) queue.add(key);
    expect(queue.next()).toBe('a');
    queue.add('a');
    expect([queue.next(), queue.next()].sort()).toEqual(['a', 'b']);
  });

  it('remembers nothing of who is forgotten', () => {
    const queue = new FairQueue<string>();
    queue.add('a');
    queue.charge(queue.next()!, 1);
    queue.forget('a');
    expect(queue.isForgotten).toBe(true);
    expect(queue.next()).toBeNull();
  });

  it('says how many go before', () => {
    const queue = new FairQueue<string>();
    for (const key of ['a', 'b', 'c']) queue.add(key);
    expect([queue.placeOf('a'), queue.placeOf('c'), queue.placeOf('z')]).toEqual([0, 2, null]);
  });
});
