import { formatPath, type PlanProblem, type UnplacedProblem } from './problem.ts';
import { LineIndex, locate, type Place, type SyntaxProblem } from './text-tree.ts';

const PROBLEMS_MAX = 100;
/** So many are put in order of place before the first are picked; a hostile text can have a million. */
export const PLACED_MAX = 2_000;

/** The texts that places are of. */
export interface PlanTexts {
  text: string;
  /** null: the text could not be read, and everything is at its start. */
  place: Place | null;
  files: Readonly<Record<string, string>>;
  /** The trees of the files that could be read. */
  filePlaces: ReadonlyMap<string, Place>;
}

/** Problems with their lines and columns: those of the plan text first, in the order of the text, then by file. */
export function placeProblems(
  texts: PlanTexts,
  unplaced: readonly UnplacedProblem[],
  placed: readonly PlanProblem[] = [],
): PlanProblem[] {
  const all = [...placed, ...placeEach(texts, unplaced.slice(0, PLACED_MAX))];
  const left = unplaced.length - Math.min(unplaced.length, PLACED_MAX);
  return bound(withoutRepeats(all.sort(byPlace)), left);
}

/** In the order they are in. */
export function placeEach(texts: PlanTexts, problems: readonly UnplacedProblem[]): PlanProblem[] {
  const lines = new LinesOfTexts(texts);
  return problems.map((problem) => placeOne(texts, problem, lines));
}

function placeOne(texts: PlanTexts, problem: UnplacedProblem, lines: LinesOfTexts): PlanProblem {
  const root = problem.file === undefined ? texts.place : (texts.filePlaces.get(problem.file) ?? null);
  const found = root
    ? locate(root, problem.path, problem.atKey ?? false)
    : { offset: 0, file: problem.file ?? null, path: problem.path };
  const { code, message, hint } = problem;
  return {
    code,
    message,
    path: formatPath(found.path),
    ...lines.position(found.file, found.offset),
    ...(found.file === null ? {} : { file: found.file }),
    ...(hint ? { hint } : {}),
  };
}

/** Lines are found once per text. */
class LinesOfTexts {
  readonly #indexes = new Map<string | null, LineIndex>();

  constructor(private readonly texts: PlanTexts) {}

  position(file: string | null, offset: number): { line: number; column: number } {
    let index = this.#indexes.get(file);
    if (!index) {
      index = new LineIndex(file === null ? this.texts.text : (this.texts.files[file] ?? ''));
      this.#indexes.set(file, index);
    }
    return index.position(offset);
  }
}

/** What kept a text from being read. */
export function placeSyntax(text: string, problems: readonly SyntaxProblem[], file?: string): PlanProblem[] {
  const lines = new LineIndex(text);
  return bound(
    problems.map(({ code, message, start, hint }) => ({
      code: code ?? 'syntax',
      message,
      path: '',
      ...lines.position(start),
      ...(file === undefined ? {} : { file }),
      ...(hint ? { hint } : {}),
    })),
  );
}

function byPlace(a: PlanProblem, b: PlanProblem): number {
  const [fileA, fileB] = [a.file ?? '', b.file ?? ''];
  if (fileA !== fileB) return fileA < fileB ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

/** One value can break two rules of the same kind; the first says enough. A template's problem is told once. */
function withoutRepeats(problems: PlanProblem[]): PlanProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ path, code, file, message }) => {
    const key = `${code} ${file ?? ''} ${path} ${TOLD_EACH.has(code) ? message : ''}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Several of these are at one place: a text with several expressions, params that were given. */
const TOLD_EACH = new Set(['expression', 'unknown-param', 'unknown-file']);

function bound(problems: PlanProblem[], unplaced = 0): PlanProblem[] {
  if (problems.length <= PROBLEMS_MAX && unplaced === 0) return problems;
  const shown = problems.slice(0, PROBLEMS_MAX);
  const { line, column, file } = shown.at(-1)!;
  const message = `and ${problems.length - shown.length + unplaced} more problems`;
  return [
    ...shown,
    { code: 'more-problems', message, path: '', line, column, ...(file === undefined ? {} : { file }) },
  ];
}
