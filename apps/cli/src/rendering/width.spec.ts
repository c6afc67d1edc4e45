import { cut, displayWidth, pad, padStart } from './width.ts';

describe('the width of a text in a terminal', () => {
  it.each([
    ['', 0],
    ['convert', 7],
    ['größe', 5],
    ['gro\u0308ße', 5],
    ['変換', 4],
    ['ﾊﾝｶｸ', 4],
    ['ＡＢ', 4],
    ['변환', 4],
    ['🧵', 2],
    ['👍🏽', 2],
    ['🇩🇪', 2],
    ['👨‍👩‍👧', 2],
    ['❤️', 2],
    ['1️⃣', 2],
    ['a\u200bb', 2],
    ['█░…·', 4],
  ])('of %j is %d', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  it('is filled up with spaces to a column', () => {
    expect(pad('変換', 6)).toBe('変換  ');
    expect(padStart('変換', 6)).toBe('  変換');
    expect(pad('convert', 3)).toBe('convert');
  });
});

describe('cutting a text to a width', () => {
  it('cuts by columns, never through a character, and says that it did', () => {
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('abcd', 4)).toBe('abcd');
    expect(cut('変換変換', 5)).toBe('変換…');
    expect(cut('変換変換', 6)).toBe('変換…');
    expect(cut('👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧', 5)).toBe('👨‍👩‍👧👨‍👩‍👧…');
    expect(cut('gro\u0308ßer', 4)).toBe('gro\u0308…');
  });

  it.each([0, 1, 2, 3, 7, 20])('never gives more than %d columns', (width) => {
    for (const text of ['変a換b変c換d', '🧵🧵🧵🧵🧵🧵', 'plain text of some length', 'e\u0301'.repeat(30)]) {
      expect(displayWidth(cut(text, width))).toBeLessThanOrEqual(width);
    }
  });

  it('keeps no letter under a heap of marks', () => {
    expect(cut(`a${'\u0301'.repeat(100_000)}`, 8).length).toBeLessThan(200);
    expect(cut('変'.repeat(20_000_000), 9)).toBe('変変変変…');
  });
});
