/**
 * Repository and program text ends up in reasons, feedback and on terminals. Escapes, bells and bidirectional overrides
 * become visible text, so that a hostile file name or output cannot paint over what the fleet says.
 */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .toWellFormed();
}

/** A path for a sentence: as it is when it is plain, else quoted with everything strange made visible. */
export function printablePath(path: string): string {
  if (/^[\p{L}\p{N}_./@+=,%~()[\]{}$:#-]+$/u.test(path)) return path;
  return printable(JSON.stringify(path)).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** "a, b, c and 4 more". */
export function listPaths(paths: string[], max = 8): string {
  const shown = paths.slice(0, max).map((path) => printablePath(path));
  return paths.length > max ? `${shown.join(', ')} and ${paths.length - max} more` : shown.join(', ');
}

// C0 but tab and newline, DEL and C1, zero-width and bidirectional controls, line and paragraph separators.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
