/**
 * How many columns of a terminal a text takes: letters of East Asia and emoji take two, combining marks none. A line
 * that is one column too long moves everything below it, so what is counted wrong must be counted too wide.
 */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** Cuts to a width in columns, with an ellipsis, never through what a reader takes for one character. */
export function cut(text: string, width: number): string {
  if (text.length <= width && ASCII.test(text)) return text;
  const kept: string[] = [];
  let used = 0;
  // A text of megabytes is not looked at further than it is shown, nor is a letter under a heap of marks.
  const looked = text.slice(0, (width + 2) * CODE_UNITS_MAX);
  for (const { segment } of graphemes.segment(looked)) {
    const wide = graphemeWidth(segment);
    if (used + wide > width) return ended(kept, used, width);
    kept.push(segment);
    used += wide;
  }
  return looked.length === text.length ? text : ended(kept, used, width);
}

/** Spaces up to a width; what is wider stays as it is. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

function ended(kept: string[], used: number, width: number): string {
  if (width <= 1) return kept.join('');
  while (used > width - 1) used -= graphemeWidth(kept.pop()!);
  return `${kept.join('')}…`;
}

/** Of one grapheme, as a rule: a family of emoji has eleven. */
const CODE_UNITS_MAX = 16;
const ASCII = /^[\x20-\x7e]*$/;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;
/** East Asian Width W and F, in whole blocks: a block's few narrow or unassigned characters are counted too wide. */
const WIDE =
  /^[\u1100-\u115f\u231a\u231b\u2329\u232a\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2fb}\u{1f000}-\u{1f02f}\u{1f0cf}\u{1f18e}-\u{1f2ff}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function graphemeWidth(grapheme: string): number {
  if (WIDE.test(grapheme) || EMOJI.test(grapheme)) return 2;
  if (NOTHING.test(grapheme)) return 0;
  // Prepended and spacing marks may take a column of their own.
  return Math.max(1, [...grapheme].filter((character) => !NOTHING.test(character)).length);
}
