import { valuesProblem } from './values.ts';

describe('the values of expressions', () => {
  it('are any text, under their own names', () => {
    expect(valuesProblem({})).toBeNull();
    expect(valuesProblem({ SKEIN_VALUE_1: '"; $(id) `id`\n', SKEIN_VALUE_22: '' })).toBeNull();
  });

  it.each([
    [{ PATH: '/evil' }, /"PATH" is no variable/],
    [{ 'SKEIN_VALUE_1\nX': '' }, /no variable/],
    [{ SKEIN_VALUE_: 'x' }, /no variable/],
    [{ SKEIN_OUTPUTS: 'x' }, /no variable/],
    [{ SKEIN_VALUE_1: 7 as never }, /no variable/],
    [{ SKEIN_VALUE_1: 'a\0b' }, /SKEIN_VALUE_1\) holds a NUL/],
    [{ SKEIN_VALUE_1: 'é'.repeat(60_000) }, /120000 bytes/],
    [
      Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`SKEIN_VALUE_${i}`, 'x'.repeat(99_000)])),
      /together/,
    ],
  ])('are refused when they cannot be variables, or would be others (%#)', (values, says) => {
    expect(valuesProblem(values)).toEqual({
      code: 'values-unusable',
      message: expect.stringMatching(says),
    });
  });
});
