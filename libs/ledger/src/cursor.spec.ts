import { compareCursors, formatCursor, parseCursor, TAIL_START } from './cursor.ts';

describe('a tail cursor', () => {
  it('orders by transaction first, as numbers and not as text', () => {
    const sorted = [
      TAIL_START,
      { tx: '9', position: 50n },
      { tx: '10', position: 3n },
      { tx: '10', position: 20n },
      { tx: '18446744073709551615', position: 1n },
    ];
    expect(sorted.toReversed().sort(compareCursors)).toEqual(sorted);
    expect(compareCursors({ tx: '10', position: 3n }, { tx: '10', position: 3n })).toBe(0);
  });

  it('comes back from its text', () => {
    const cursor = { tx: '18446744073709551615', position: 9223372036854775807n };
    expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
  });

  it.each(['', '1', '1-', '-1-2', '1-2-3', '1-2 ', '1e3-1', '123456789012345678901-1'])(
    'is not made of %j',
    (text) => {
      expect(parseCursor(text)).toBeNull();
    },
  );
});
