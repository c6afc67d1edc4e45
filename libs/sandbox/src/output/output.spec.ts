import fc from 'fast-check';
import { OUTPUT_TEXT_BYTES, OutputWindow } from './output-window.ts';
import { plainText } from './plain-text.ts';
import { trimMiddle } from './trimming.ts';

describe('text for people', () => {
  it('has no terminal escapes, control characters or hidden directions left', () => {
    const hostile =
      '\x1b[2J\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x9b31mc1 a\0b\x7f\bc \u202egnp.exe \x1bcreset';
    expect(plainText(hostile)).toBe('red link c1 abc \\u202egnp.exe reset');
  });

  it('shows a progress bar as lines', () => {
    expect(plainText('10%\r20%\r\ndone\r\r\n')).toBe('10%\n20%\ndone\n');
  });

  it('turns bytes that are no UTF-8 into replacement characters', () => {
    expect(plainText(Buffer.from([0x61, 0xff, 0xc3, 0x62]))).toBe('a\ufffd\ufffdb');
  });

  it('loses nothing but the escape itself to a title that never ends', () => {
    expect(plainText('a\x1b]0;the tests failed\nnext')).toBe('a0;the tests failed\nnext');
    expect(plainText('10%\x1b]0;x\r3 tests failed\x1b]0;title\x07')).toBe('10%0;x\n3 tests failed');
    expect(plainText('\x1bPdevice \x1b[1mbold\x1b\\ done')).toBe('device bold done');
    expect(plainText('\x9dold\nnew\x9c')).toBe('old\nnew');
    const hidden = 'x'.repeat(10_000);
    expect(plainText(`\x1b]0;${hidden}\x07`)).toBe(`0;${hidden}`);
  });

  it('takes time in proportion to its length, whatever escapes it is made of', () => {
    const hostile =
      '\x1b]0;'.repeat(100_000) + '\x9d'.repeat(200_000) + `\x1b]${'x'.repeat(2_000)}`.repeat(200);
    const startedAt = performance.now();
    plainText(hostile);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe('trimming in the middle', () => {
  it('leaves a short text alone', () => {
    expect(trimMiddle('grüße', 7)).toBe('grüße');
  });

  it('keeps beginning and end and says how much is missing', () => {
    const trimmed = trimMiddle(`${'a'.repeat(500)}${'b'.repeat(500)}`, 200);
    expect(trimmed).toMatch(/^a+\n\[\.\.\. \d+ bytes left out \.\.\.\]\nb+$/);
    expect(Buffer.byteLength(trimmed)).toBeLessThanOrEqual(200);
  });

  it('never exceeds its limit and never splits a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 1, max: 400 }),
        (text, limit) => {
          const trimmed = trimMiddle(text, limit);
          expect(Buffer.byteLength(trimmed)).toBeLessThanOrEqual(limit);
          expect(trimmed.isWellFormed()).toBe(true);
          if (!text.includes('\ufffd')) expect(trimmed).not.toContain('\ufffd');
        },
      ),
    );
  });
});

describe('the window on an output', () => {
  it('holds all of a short output, in any chunks', () => {
    const window = new OutputWindow();
    const content = Buffer.from('línea één\n'.repeat(4_000));
    for (let at = 0; at < content.length; at += 777) window.append(content.subarray(at, at + 777));
    expect(window.text()).toBe(content.toString());
    expect(window.bytes).toBe(content.length);
  });

  it.each([1, 1_000, 65_536, 300_000])(
    'holds beginning and end of a long one, in chunks of %i bytes',
    (chunk) => {
      const window = new OutputWindow();
      const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} é\n`).join('');
      const content = Buffer.from(lines);
      for (let at = 0; at < content.length; at += chunk) window.append(content.subarray(at, at + chunk));
      const text = window.text();
      expect(text.startsWith('line 0 é\nline 1 é\n')).toBe(true);
      expect(text.endsWith('line 19998 é\nline 19999 é\n')).toBe(true);
      expect(text).toMatch(/bytes left out/);
      expect(text).not.toContain('\ufffd');
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(OUTPUT_TEXT_BYTES);
      expect(window.bytes).toBe(content.length);
    },
  );

  it('stays within 64 KB of text when every byte is wrong', () => {
    const window = new OutputWindow();
    for (let i = 0; i < 40; i++) window.append(Buffer.alloc(10_000, 0xff));
    expect(Buffer.byteLength(window.text())).toBeLessThanOrEqual(OUTPUT_TEXT_BYTES);
  });
});
