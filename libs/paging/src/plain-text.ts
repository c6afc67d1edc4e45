/** Reordering and invisible characters: text that reads as something else than it is. */
const DECEIVING = /[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
const LINE_BREAKS = /\r\n|[\r\n\u0085\u2028\u2029]/g;

/** Names: one line, nothing that a terminal, a chat or a reader could take for more than text. */
export function plainLine(text: string, charsMax: number): string {
  return cut(plain(text.replace(LINE_BREAKS, ' ')).replaceAll('\n', ' ').trim(), charsMax);
}

/** Reasons: lines, and nothing else than text in them. */
export function plainText(text: string, charsMax: number): string {
  return cut(plain(text.replace(LINE_BREAKS, '\n')).trim(), charsMax);
}

/** Trimmed in the middle: what went wrong first, and what was said last. At most `charsMax` UTF-16 code units. */
export function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const mark = ' [...] ';
  const head = Math.ceil((charsMax - mark.length) / 2);
  const tail = charsMax - mark.length - head;
  return (text.slice(0, head) + mark + text.slice(text.length - tail)).toWellFormed();
}

function plain(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\t', ' ')
    .replace(/[^\P{Cc}\n]/gu, '\ufffd')
    .replace(DECEIVING, '');
}
