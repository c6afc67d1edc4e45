import { TAIL_START } from '#ledger';
import { EventWindow } from './event-window.ts';
import { aToldEvent } from './testing/told-events.ts';

const PLENTY = { events: 1_000, bytes: 1_000_000 };

describe('the window of newest events', () => {
  /** p1: 1 2 3 4, p2: 1 2, taking turns. */
  const tail = ['p1 1', 'p2 1', 'p1 2', 'p2 2', 'p1 3', 'p1 4'].map((text, index) => {
    const [planId = '', seq] = text.split(' ');
    return aToldEvent({ planId, seq: Number(seq), position: index + 1 });
  });
  const at = (position: number) => ({ tx: '7', position: BigInt(position) });
  const names = (events: { planId: string; seq: number }[] | null) =>
    events?.map(({ planId, seq }) => `${planId} ${seq}`) ?? null;

  it('gives what follows a cursor, in the order of the tail', () => {
    const window = new EventWindow(PLENTY, TAIL_START);
    window.push(tail);
    expect(names(window.after(TAIL_START, 3))).toEqual(['p1 1', 'p2 1', 'p1 2']);
    expect(names(window.after(at(3), 10))).toEqual(['p2 2', 'p1 3', 'p1 4']);
    expect(names(window.after(at(6), 10))).toEqual([]);
  });

  it('gives what follows a seq of one plan', () => {
    const window = new EventWindow(PLENTY, TAIL_START);
    window.push(tail);
    expect(names(window.ofPlan('p1', 0, 2))).toEqual(['p1 1', 'p1 2']);
    expect(names(window.ofPlan('p1', 3, 10))).toEqual(['p1 4']);
    expect(names(window.ofPlan('p1', 4, 10))).toEqual([]);
    // Read ahead of the tail, in the ledger itself.
    expect(names(window.ofPlan('p1', 9, 10))).toEqual([]);
  });

  it('sends who is behind it to the ledger, and never leaves a hole', () => {
    const window = new EventWindow({ events: 3, bytes: 1_000_000 }, TAIL_START);
    window.push(tail.slice(0, 2));
    window.push(tail.slice(2));
    expect(window.size.events).toBe(3);
    expect(window.after(at(2), 10)).toBeNull();
    expect(names(window.after(at(3), 10))).toEqual(['p2 2', 'p1 3', 'p1 4']);
    expect(window.ofPlan('p1', 1, 10)).toBeNull();
    expect(names(window.ofPlan('p1', 2, 10))).toEqual(['p1 3', 'p1 4']);
    expect(window.ofPlan('p2', 0, 10)).toBeNull();
    expect(names(window.ofPlan('p2', 1, 10))).toEqual(['p2 2']);
    expect(window.ofPlan('p3', 0, 10)).toBeNull();
  });

  it('keeps within its bytes, and holds nothing when one event is larger than that', () => {
    const window = new EventWindow({ events: 100, bytes: 50 }, TAIL_START);
    window.push([1, 2, 3].map((seq) => aToldEvent({ planId: 'p1', seq, position: seq, size: 20 })));
    expect(window.size).toEqual({ events: 2, bytes: 40 });
    window.push([aToldEvent({ planId: 'p1', seq: 4, position: 4, size: 60 })]);
    expect(window.size).toEqual({ events: 0, bytes: 0 });
    expect(window.after(at(3), 10)).toBeNull();
    expect(window.ofPlan('p1', 3, 10)).toBeNull();
    expect(names(window.after(at(4), 10))).toEqual([]);
  });
});
