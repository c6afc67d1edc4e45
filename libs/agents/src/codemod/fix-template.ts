/** A piece of a fix: text to put, or a variable of the match. */
export type FixPiece =
  | { kind: 'text'; text: string }
  /** `indent`: blanks at the beginning of the template's line that it stands in. */
  | { kind: 'single' | 'multiple' | 'transformed'; name: string; indent: string };

/**
 * `$A` is what one node matched, `$$$ARGS` what a list of nodes matched, with everything between them. Any other `$`
 * (`${x}`, `$name`) is text, so fixes may hold template strings.
 */
export function parseFix(template: string, transformed: string[]): FixPiece[] {
  const pieces: FixPiece[] = [];
  let at = 0;
  for (const found of template.matchAll(/(\$\$\$|\$)([A-Z_][A-Z0-9_]*)/g)) {
    if (found.index > at) pieces.push({ kind: 'text', text: template.slice(at, found.index) });
    const name = found[2] ?? '';
    const kind = found[1] === '$$$' ? 'multiple' : transformed.includes(name) ? 'transformed' : 'single';
    pieces.push({ kind, name, indent: indentAt(template, found.index) });
    at = found.index + found[0].length;
  }
  if (at < template.length) pieces.push({ kind: 'text', text: template.slice(at) });
  return pieces;
}

/** Blanks at the beginning of the line that holds the offset. */
export function indentAt(text: string, offset: number): string {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(lineStart, offset))?.[0] ?? '';
}
