/** Where an expression cannot stand in a command, why not, and what to do instead. */

const PUT_IN_ENV = 'give the value a name in `env` and use that: env: { NAME: ${{ ... }} } and "$NAME"';

export const REFUSED = {
  single: {
    why: 'within single quotes the shell replaces nothing',
    hint: 'use double quotes there, or none',
  },
  comment: { why: 'it stands in a comment', hint: 'leave it out' },
  escaped: { why: 'a backslash stands before it', hint: 'leave the backslash out' },
  backtick: { why: 'within backticks quotes are read twice', hint: 'write $(...) instead of the backticks' },
  arithmetic: { why: 'within $((...)) some shells run what a value says', hint: PUT_IN_ENV },
  braces: { why: 'within ${...} not every shell reads quotes the same way', hint: PUT_IN_ENV },
  dollarQuote: {
    why: "after $' not every shell reads quotes the same way",
    hint: "write the text without $'...'",
  },
  hereDelimiter: { why: 'it stands in the mark that ends a here-document', hint: 'write the mark out' },
  hereQuoted: {
    why: 'within a here-document whose mark is quoted the shell replaces nothing',
    hint: 'leave the quotes of the mark out',
  },
  readAgain: {
    why: 'the text is read as shell a second time (eval, sh -c, | sh, ssh, trap): a value in it would be run',
    hint: `pass it as an argument: sh -c '... "$1"' sh \${{ ... }}`,
  },
} as const satisfies Record<string, { why: string; hint: string }>;
