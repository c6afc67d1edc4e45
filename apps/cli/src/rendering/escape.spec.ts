import { escapeLines, escapeText } from './escape.ts';

describe('escaping what others wrote', () => {
  it('shows terminal escapes instead of sending them', () => {
    expect(escapeText('\u001b[2Jowned\u0007')).toBe('\\x1b[2Jowned\\x07');
    expect(escapeText('\u009b31mred')).toBe('\\x9b31mred');
  });

  it('keeps a name on its line', () => {
    expect(escapeText('a\nb\rc\td')).toBe('a\\nb\\rc\\td');
  });

  it('shows bidi overrides, zero-width characters and lone surrogates', () => {
    expect(escapeText('a\u202eb')).toBe('a\\u{202e}b');
    expect(escapeText('a\u200bb')).toBe('a\\u{200b}b');
    expect(escapeText('a\ud800b')).toBe('a\\u{d800}b');
  });

  it('leaves letters of every language and emoji alone', () => {
    expect(escapeText('größe 変換 🧵')).toBe('größe 変換 🧵');
  });

  it('keeps the lines of a log but not its carriage returns', () => {
    expect(escapeLines('one\r\ntwo\n\tthree\rfour\u001b[0m')).toBe('one\ntwo\n\tthree\\rfour\\x1b[0m');
  });
});
