import fc from 'fast-check';
import { isBytePath, pathFromBytes, pathToBytes, printablePath } from './path-bytes.ts';

describe('names as text', () => {
  it('keep every byte, whatever it is (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(pathToBytes(pathFromBytes(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('differ when their bytes differ (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (a, b) => {
        const same = Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;
        expect(pathFromBytes(Buffer.from(a)) === pathFromBytes(Buffer.from(b))).toBe(same);
      }),
    );
  });

  it('are plain text when they are UTF-8, and survive JSON when they are not', () => {
    expect(pathFromBytes(Buffer.from('ünï/x'))).toBe('ünï/x');
    const odd = pathFromBytes(Buffer.from([0x61, 0xff, 0xc3, 0xc3, 0xa9]));
    expect(odd).toBe('a\udcff\udcc3é');
    expect(isBytePath(odd)).toBe(true);
    expect(isBytePath('é')).toBe(false);
    expect(JSON.parse(JSON.stringify(odd))).toBe(odd);
  });

  it('are shown without anything that a terminal would act on (property)', () => {
    expect(printablePath('a\u001b[2J\n\t\u202ex\udcff')).toBe('a\\x1b[2J\\n\\t\\u{202e}x\\xff');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const shown = printablePath(pathFromBytes(Buffer.from(bytes)));
        // eslint-disable-next-line no-control-regex -- none may be left
        expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
        expect(shown.isWellFormed()).toBe(true);
        expect(shown.length).toBeLessThanOrEqual(300);
      }),
    );
  });
});
