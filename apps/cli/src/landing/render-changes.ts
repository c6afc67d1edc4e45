import { escapeLines, escapeText } from '../rendering/escape.ts';
import type { Paint, Style } from '../rendering/terminal.ts';
import type { FileChange } from './landing.ts';

const BAR_WIDTH = 40;

/** As `git diff --stat`: a line for each file, then the sum. */
export function renderStat(files: readonly FileChange[], paint: Paint): string[] {
  const names = files.map(nameOf);
  const width = Math.max(0, ...names.map((name) => [...name].length));
  const most = Math.max(1, ...files.map(({ insertions, deletions }) => (insertions ?? 0) + (deletions ?? 0)));
  const scale = Math.min(1, BAR_WIDTH / most);
  const lines = files.map((file, index) => {
    const padded = names[index]! + ' '.repeat(width - [...names[index]!].length);
    if (file.insertions === null || file.deletions === null) return ` ${padded} | Bin`;
    const count = String(file.insertions + file.deletions).padStart(String(most).length);
    const bar =
      paint('green', '+'.repeat(parts(file.insertions, scale))) +
      paint('red', '-'.repeat(parts(file.deletions, scale)));
    return ` ${padded} | ${count} ${bar}`.trimEnd();
  });
  const total = (pick: (file: FileChange) => number | null) =>
    files.reduce((sum, file) => sum + (pick(file) ?? 0), 0);
  return [
    ...lines,
    ` ${files.length} ${files.length === 1 ? 'file' : 'files'} changed, ${total((file) => file.insertions)} insertions(+), ${total((file) => file.deletions)} deletions(-)`,
  ];
}

/** Something, where there is something. */
function parts(count: number, scale: number): number {
  return count === 0 ? 0 : Math.max(1, Math.round(count * scale));
}

function nameOf({ path, from }: FileChange): string {
  return from === null ? escapeText(path) : `${escapeText(from)} => ${escapeText(path)}`;
}

export function renderNames(files: readonly FileChange[]): string[] {
  return files.map(({ path }) => escapeText(path));
}

/** A patch for eyes: coloured, with nothing in it that steers a terminal. It does not apply any more. */
export function renderPatch(patch: string, paint: Paint): string {
  return escapeLines(patch)
    .split('\n')
    .map((line) => {
      const style = styleOf(line);
      return style === null ? line : paint(style, line);
    })
    .join('\n');
}

function styleOf(line: string): Style | null {
  if (
    /^(diff --git|index|---|\+\+\+|new file|deleted file|rename|copy|similarity|old mode|new mode) ?/.test(
      line,
    )
  )
    return 'bold';
  if (line.startsWith('@@')) return 'cyan';
  if (line.startsWith('+')) return 'green';
  return line.startsWith('-') ? 'red' : null;
}
