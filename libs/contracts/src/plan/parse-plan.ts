import { createHash } from 'node:crypto';
import type { PlanDefinition } from '#domain';
import { definitionOf } from './definition-of.ts';
import { graphProblems } from './graph-problems.ts';
import { readJsonTree } from './json-tree.ts';
import { outlinePlan } from './outline.ts';
import { formatPath, type PlanProblem, type UnplacedProblem } from './problem.ts';
import { relativeRepoProblems } from './repo-url.ts';
import { wordIssues } from './schema-problems.ts';
import { planTextSchema } from './text-schema.ts';
import { LineIndex, locate, type SyntaxProblem, type TextTree, type TreeReading } from './text-tree.ts';
import { workProblems } from './work-problems.ts';
import { readYamlTree } from './yaml-tree.ts';

export interface ParsePlanOptions {
  /** UTF-8 bytes of the text. */
  maxBytes?: number;
  /** Reading YAML costs about a second per megabyte; JSON a twentieth of that. */
  maxYamlBytes?: number;
  /** After expansion of list matrices. */
  maxSteps?: number;
  maxDepth?: number;
  /** Refuse a repository that is named by a relative folder: only who submits knows what it is relative to. */
  absoluteRepo?: boolean;
}

export type ParsedPlan =
  /** `digest`: SHA-256 (hex) of the text's UTF-8 bytes. */
  { ok: true; definition: PlanDefinition; digest: string } | { ok: false; problems: PlanProblem[] };

const MB = 1_024 ** 2;
const DEFAULTS: Required<ParsePlanOptions> = {
  maxBytes: 8 * MB,
  maxYamlBytes: MB,
  maxSteps: 100_000,
  maxDepth: 32,
  absoluteRepo: false,
};
const PROBLEMS_MAX = 100;
/** So many are put in order of place before the first are picked; a hostile text can have a million. */
const PLACED_MAX = 2_000;

/** Plan text, YAML or JSON, to a definition, or everything that is wrong with it. Never throws. */
export function parsePlan(text: string, given: ParsePlanOptions = {}): ParsedPlan {
  const options = { ...DEFAULTS, ...given };
  const bytes = Buffer.byteLength(text);
  if (bytes > options.maxBytes) return refuse(text, [tooLarge(bytes, options.maxBytes)]);
  const reading = readTree(text, bytes, options);
  if (!reading.ok) return { ok: false, problems: placeSyntax(text, reading.problems) };
  const { tree } = reading;
  if (tree.value === null)
    return refuse(text, [{ code: 'empty-plan', message: 'the text holds no plan', path: [] }]);
  const checked = planTextSchema.safeParse(tree.value, { reportInput: true });
  const problems = [
    ...tree.problems,
    ...(checked.success ? [] : wordIssues(checked.error.issues, PLACED_MAX)),
    ...outlineProblems(tree.value, options),
  ];
  if (problems.length > 0 || !checked.success) return refuse(text, problems, tree);
  return {
    ok: true,
    definition: definitionOf(checked.data),
    digest: createHash('sha256').update(text).digest('hex'),
  };
}

function readTree(text: string, bytes: number, options: Required<ParsePlanOptions>): TreeReading {
  const json = /^\s*[[{"]/.test(text) ? readJsonTree(text, options.maxDepth) : null;
  if (json) return json;
  if (bytes > options.maxYamlBytes) {
    const message = `${bytes} bytes of YAML; at most ${options.maxYamlBytes} are taken`;
    return {
      ok: false,
      problems: [{ code: 'text-too-large', message, start: 0, hint: 'send a large plan as JSON' }],
    };
  }
  return readYamlTree(text, options.maxDepth);
}

function outlineProblems(value: unknown, options: Required<ParsePlanOptions>): UnplacedProblem[] {
  const outline = outlinePlan(value);
  return [
    ...(outline.isEmpty
      ? [{ code: 'empty-plan' as const, message: 'a plan has at least one step', path: ['steps'] }]
      : []),
    ...workProblems(outline),
    ...graphProblems(outline, options.maxSteps),
    ...(options.absoluteRepo ? relativeRepoProblems(value) : []),
  ];
}

function tooLarge(bytes: number, bytesMax: number): UnplacedProblem {
  return { code: 'text-too-large', message: `${bytes} bytes; at most ${bytesMax} are taken`, path: [] };
}

function refuse(text: string, unplaced: UnplacedProblem[], tree?: TextTree): ParsedPlan {
  const lines = new LineIndex(text);
  const placed = unplaced.slice(0, PLACED_MAX).map((problem) => {
    const offset = tree ? locate(tree.place, problem.path, problem.atKey ?? false) : 0;
    return place(problem, formatPath(problem.path), lines.position(offset));
  });
  return {
    ok: false,
    problems: bound(withoutRepeats(placed.sort(byPlace)), unplaced.length - placed.length),
  };
}

function placeSyntax(text: string, problems: SyntaxProblem[]): PlanProblem[] {
  const lines = new LineIndex(text);
  return bound(
    problems.map(({ code, message, start, hint }) =>
      place({ code: code ?? 'syntax', message, ...(hint ? { hint } : {}) }, '', lines.position(start)),
    ),
  );
}

function place(
  { code, message, hint }: Pick<UnplacedProblem, 'code' | 'message' | 'hint'>,
  path: string,
  position: { line: number; column: number },
): PlanProblem {
  return { code, message, path, ...position, ...(hint ? { hint } : {}) };
}

function byPlace(a: PlanProblem, b: PlanProblem): number {
  return a.line - b.line || a.column - b.column;
}

/** One value can break two rules of the same kind; the first says enough. */
function withoutRepeats(problems: PlanProblem[]): PlanProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ path, code }) => {
    const key = `${code} ${path}`;
    return !seen.has(key) && seen.add(key);
  });
}

function bound(problems: PlanProblem[], unplaced = 0): PlanProblem[] {
  if (problems.length <= PROBLEMS_MAX && unplaced === 0) return problems;
  const shown = problems.slice(0, PROBLEMS_MAX);
  const { line, column } = shown.at(-1)!;
  const message = `and ${problems.length - shown.length + unplaced} more problems`;
  return [...shown, { code: 'more-problems', message, path: '', line, column }];
}
