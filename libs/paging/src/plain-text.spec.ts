import { cut, plainLine, plainText } from './plain-text.ts';

describe('text of plans, for people', () => {
  it.each([
    ['a terminal escape', 'a\u001b[31mred', 'a\ufffd[31mred'],
    ['a C1 control', 'a\u009b31m', 'a\ufffd31m'],
    ['NUL', 'a\0b', 'a\ufffdb'],
    ['reordering', 'safe\u202etxt.exe', 'safetxt.exe'],
    ['isolates', 'a\u2066b\u2069', 'ab'],
    ['what cannot be seen', 'pay\u200bpal\ufeff\u{e0041}', 'paypal'],
    ['half a character', 'a\ud800b', 'a\ufffdb'],
    ['line breaks of all kinds', 'a\r\nb\nc\rd\u2028e\u0085f', 'a b c d e f'],
    ['spaces around', '  a  ', 'a'],
    ['other writing', 'Zürich 北京 🚀', 'Zürich 北京 🚀'],
  ])('is one harmless line: %s', (_what, given, expected) => {
    expect(plainLine(given, 100)).toBe(expected);
  });

  it('keeps its lines where they belong', () => {
    expect(plainText('one\r\n\ttwo\u2028three\u001b\n', 100)).toBe('one\n two\nthree\ufffd');
  });

  it('is cut in the middle, never in a character, and never longer than allowed', () => {
    expect(cut('short', 10)).toBe('short');
    const long = cut(`begin${'x'.repeat(500)}end`, 50);
    expect(long).toHaveLength(50);
    expect(long).toMatch(/^begin.* \[\.\.\.\] .*end$/);
    expect(cut('🚀'.repeat(100), 50).isWellFormed()).toBe(true);
    expect(cut('🚀'.repeat(100), 50).length).toBeLessThanOrEqual(50);
  });
});
