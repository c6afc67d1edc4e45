/** Text that may hold expressions: `make ${{ params.target }}`. `$${{` stands for `${{` itself. */
export type TextPart = { text: string } | { source: string; start: number; end: number };

export type SplitText =
  | { ok: true; parts: TextPart[] }
  /** `at`: offset in the text. */
  | { ok: false; message: string; at: number };

const OPEN = '${{';

/** Whether it is worth splitting. */
export function mayHoldExpressions(text: string): boolean {
  return text.includes(OPEN);
}

/** Linear in the text. Offsets are those of `${{` and of what follows `}}`. */
export function splitText(text: string): SplitText {
  const parts: TextPart[] = [];
  let plain = '';
  let from = 0;
  for (let at = text.indexOf(OPEN); at !== -1; at = text.indexOf(OPEN, from)) {
    if (text[at - 1] === '$' && at > from) {
      plain += text.slice(from, at - 1) + OPEN;
      from = at + OPEN.length;
      continue;
    }
    const end = endOfExpression(text, at + OPEN.length);
    if (end === -1) return { ok: false, message: '`${{` is not closed by `}}`', at };
    plain += text.slice(from, at);
    if (plain !== '') parts.push({ text: plain });
    plain = '';
    parts.push({ source: text.slice(at + OPEN.length, end).trim(), start: at, end: end + 2 });
    from = end + 2;
  }
  plain += text.slice(from);
  if (plain !== '') parts.push({ text: plain });
  return { ok: true, parts };
}

/** The expression that the text is as a whole: such a text keeps the type of its value. */
export function wholeExpression(text: string): string | null {
  const trimmed = text.trim();
  if (!trimmed.startsWith(OPEN)) return null;
  const split = splitText(trimmed);
  const only = split.ok && split.parts.length === 1 ? split.parts[0]! : null;
  return only && 'source' in only ? only.source : null;
}

/** The expressions of a text, in its order. Empty for one that cannot be split. */
export function expressionsIn(text: string): string[] {
  if (!mayHoldExpressions(text)) return [];
  const split = splitText(text);
  return split.ok ? split.parts.flatMap((part) => ('source' in part ? [part.source] : [])) : [];
}

/** The offset of the `}}` that closes: not one in a text, and not one of two maps. -1: there is none. */
function endOfExpression(text: string, from: number): number {
  let open = 0;
  for (let at = from; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"' || character === "'") {
      at = endOfString(text, at);
      if (at === -1) return -1;
    } else if (character === '{') open++;
    else if (character === '}') {
      if (open === 0) return text[at + 1] === '}' ? at : -1;
      open--;
    }
  }
  return -1;
}

/** The offset of the quote that closes the one at `start`, as CEL reads strings. */
function endOfString(text: string, start: number): number {
  const quote = text[start]!;
  const close = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  for (let at = start + close.length; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text.startsWith(close, at)) return at + close.length - 1;
  }
  return -1;
}
