/**
 * Text from plans, repositories and agents is hostile: a step name may hold a terminal escape that rewrites
 * the screen, and a bidi override makes `rm` read as something else. Everything that is not ours goes through here.
 */

/** For text inside a line: every control character becomes visible, line breaks too. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE_IN_LINE, showCharacter);
}

/** For whole texts such as logs and diffs: line feeds and tabs stay, CRLF becomes LF. */
export function escapeLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE_IN_TEXT, showCharacter);
}

/** Call it after escaping, so that no escape is cut in two. */
export { cut } from './width.ts';

// C0, DEL, C1, line and paragraph separators, bidi controls, zero-width characters, lone surrogates.
const HIDDEN =
  '\\u007f-\\u009f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\u{e0000}-\\u{e007f}';
const UNSAFE_IN_LINE = new RegExp(`[\\u0000-\\u001f${HIDDEN}\\ud800-\\udfff]`, 'gu');
const UNSAFE_IN_TEXT = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${HIDDEN}\\ud800-\\udfff]`, 'gu');

function showCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code === 0x0a) return '\\n';
  if (code === 0x0d) return '\\r';
  if (code === 0x09) return '\\t';
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return `\\u{${code.toString(16)}}`;
}
