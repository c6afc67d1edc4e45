import { pathFromBytes } from '#workspace';
import type { FileChange } from './landing.ts';

/**
 * The files of a unified diff as git writes it. Where there is no repository to ask, only the diff is left. Lines are
 * counted by the hunks' own numbers: a changed line may look like a header. A file of several diffs is there once.
 */
export function filesOfPatch(patch: string): FileChange[] {
  const files = new Map<string, FileChange>();
  const reader = new PatchReader(patch.split('\n'));
  for (let file = reader.next(); file !== null; file = reader.next()) {
    const known = files.get(file.path);
    if (known === undefined) files.set(file.path, file);
    else {
      known.insertions = sum(known.insertions, file.insertions);
      known.deletions = sum(known.deletions, file.deletions);
    }
  }
  return [...files.values()];
}

function sum(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one + other;
}

class PatchReader {
  private at = 0;

  constructor(private readonly lines: string[]) {}

  next(): FileChange | null {
    while (this.at < this.lines.length && !this.line.startsWith('diff --git ')) this.at += 1;
    if (this.at >= this.lines.length) return null;
    const names = namesOfHeader(this.line.slice('diff --git '.length));
    this.at += 1;
    const change: FileChange = { path: names?.to ?? '', from: null, insertions: 0, deletions: 0 };
    while (this.at < this.lines.length && !this.line.startsWith('diff --git ')) this.readLine(change);
    return change;
  }

  private get line(): string {
    return this.lines[this.at] ?? '';
  }

  private readLine(change: FileChange): void {
    const { line } = this;
    const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    this.at += 1;
    if (hunk) return this.readHunk(change, Number(hunk[1] ?? 1), Number(hunk[2] ?? 1));
    const word = (start: string) => (line.startsWith(start) ? unquoted(line.slice(start.length)) : null);
    const from = word('rename from ') ?? word('copy from ');
    if (from !== null) change.from = from;
    change.path =
      word('rename to ') ?? word('copy to ') ?? sideOf(word('+++ ')) ?? sideOf(word('--- ')) ?? change.path;
    if (/^(Binary files .* differ|GIT binary patch)$/.test(line)) {
      change.insertions = null;
      change.deletions = null;
    }
  }

  private readHunk(change: FileChange, before: number, after: number): void {
    let [old, fresh] = [before, after];
    while ((old > 0 || fresh > 0) && this.at < this.lines.length) {
      const sign = this.line[0];
      if (sign === '-') {
        old -= 1;
        if (change.deletions !== null) change.deletions += 1;
      } else if (sign === '+') {
        fresh -= 1;
        if (change.insertions !== null) change.insertions += 1;
      } else if (sign !== '\\') {
        old -= 1;
        fresh -= 1;
      }
      this.at += 1;
    }
  }
}

/** `a/x b/x`, for files without hunks: the half of it, where both are the same. */
function namesOfHeader(text: string): { to: string } | null {
  const half = (text.length - 1) / 2;
  const [one, other] = [unquoted(text.slice(0, half)), unquoted(text.slice(half + 1))];
  return one.slice(2) === other.slice(2) ? { to: other.slice(2) } : null;
}

/** Without `a/` or `b/`; null for the side that is not there. */
function sideOf(path: string | null): string | null {
  // Git puts a tab behind names with blanks.
  return path === null || path === '/dev/null' ? null : path.replace(/\t$/, '').slice(2);
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/** As git quotes names with control characters: in `"`, with C's escapes, bytes as octal numbers. */
function unquoted(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"')) return text;
  const parts = text.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gsu);
  const bytes = [...parts].map(([, octal, escape, plain]) => {
    if (octal !== undefined) return Buffer.from([parseInt(octal, 8) & 0xff]);
    if (escape !== undefined) return Buffer.from([ESCAPES[escape] ?? escape.charCodeAt(0)]);
    return Buffer.from(plain ?? '', 'utf8');
  });
  return pathFromBytes(Buffer.concat(bytes));
}
