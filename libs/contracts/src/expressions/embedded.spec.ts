import fc from 'fast-check';
import { expressionsIn, splitText, wholeExpression } from './embedded.ts';

describe('text with expressions', () => {
  it.each([
    ['plain', ['plain']],
    ['', []],
    ['${{ a }}', [['a']]],
    ['${{a}}${{b}}', [['a'], ['b']]],
    ['x ${{ a.b }} y', ['x ', ['a.b'], ' y']],
    ['${{ "}}" + \'}}\' }}', [['"}}" + \'}}\'']]],
    ['${{ "a\\"}}" }}!', [['"a\\"}}"'], '!']],
    ['${{ """ " }} """ }}', [['""" " }} """']]],
    ['${{ {"a": {"b": 1}} }}', [['{"a": {"b": 1}}']]],
    ['${{ {"a": {"b": 1}}}}', [['{"a": {"b": 1}}']]],
    ['$${{ not.one }}', ['${{ not.one }}']],
    ['a $${{ b }} ${{ c }}', ['a ${{ b }} ', ['c']]],
    ['$$${{ b }}', ['$${{ b }}']],
    ['${x} $(y) {{ z }}', ['${x} $(y) {{ z }}']],
    ['a\n${{\n  b\n}}\nc', ['a\n', ['b'], '\nc']],
  ] as [string, (string | [string])[]][])('%j', (text, expected) => {
    const split = splitText(text);
    expect(split.ok && split.parts.map((part) => ('text' in part ? part.text : [part.source]))).toEqual(
      expected,
    );
  });

  it.each(['${{', '${{ a', '${{ a }', '${{ "a }}', '${{ {"a": 1 }}', '${{ a } }'])(
    '%j is not closed',
    (text) => {
      expect(splitText(`12${text}`)).toEqual({ ok: false, message: '`${{` is not closed by `}}`', at: 2 });
    },
  );

  it('is one expression as a whole, or is not', () => {
    expect(wholeExpression('  ${{ a + "}}" }}\n')).toBe('a + "}}"');
    for (const text of ['${{ a }} ', 'x${{ a }}', '${{ a }}${{ b }}', '$${{ a }}', '${{ a', 'a']) {
      expect(wholeExpression(text)).toBe(text === '${{ a }} ' ? 'a' : null);
    }
  });

  it('names its expressions', () => {
    expect(expressionsIn('${{ a }} $${{ b }} ${{ c }}')).toEqual(['a', 'c']);
    expect(expressionsIn('${{ a }} ${{')).toEqual([]);
  });

  it('loses nothing of what is not an expression, whatever it is', () => {
    const piece = fc.constantFrom('${{', '}}', '$', '{', '}', '"', "'", '\\', ' ', 'a', '$${{', '\n');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        const split = splitText(text);
        if (!split.ok) return;
        const again = split.parts
          .map((part) =>
            'text' in part ? part.text.replaceAll('${{', () => '$${{') : text.slice(part.start, part.end),
          )
          .join('');
        expect(again).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });
});
