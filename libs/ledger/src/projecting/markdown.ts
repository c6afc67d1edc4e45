/** Names and reasons come from plans, repositories and programs: none of them can add markup, links or lines to a page. */

const TEXT_LENGTH_MAX = 300;

/** A code span whatever the text holds: its fence is longer than any run of backticks inside. */
export function code(text: string): string {
  const plain = shortened(oneLine(text));
  if (plain === '') return '(empty)';
  const longest = Math.max(0, ...(plain.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest > 0 ? `${fence} ${plain} ${fence}` : `${fence}${plain}${fence}`;
}

/** A code span in a table: renderers disagree about `\|` inside a cell, another bar is safe in all of them. */
export function cellCode(text: string): string {
  return code(text).replaceAll('|', '\u2502');
}

/** Text in which no character is markup. */
export function prose(text: string): string {
  return shortened(oneLine(text))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_[\]#|~!@]/g, '\\$&')
    .replace(/:\/\//g, ':&#47;/')
    .replace(/\bwww\./gi, 'www&#46;');
}

/** A link to an address of ours. `text` is ours, too. */
export function link(text: string, url: string): string {
  const safe = new URL(url).href.replace(
    /[()<>\s]/g,
    (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `[${text}](${safe})`;
}

/** With a full stop, if it has no end of its own. */
export function sentence(text: string): string {
  return /[.!?…:]$/.test(text) ? text : `${text}.`;
}

function shortened(plain: string): string {
  return plain.length > TEXT_LENGTH_MAX ? `${plain.slice(0, TEXT_LENGTH_MAX).toWellFormed()}...` : plain;
}

/** No line breaks, no terminal controls, no characters that turn the reading direction. */
function oneLine(text: string): string {
  return text
    .slice(0, 4 * TEXT_LENGTH_MAX)
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD')
    .trim();
}
