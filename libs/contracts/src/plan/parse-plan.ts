import type { PlanDefinition } from '#domain';
import { branchProblems } from './branch-problems.ts';
import { definitionOf } from './definition-of.ts';
import { graphProblems } from './graph-problems.ts';
import { outlinePlan } from './outline.ts';
import { PLACED_MAX, placeEach, placeProblems, placeSyntax, type PlanTexts } from './placing.ts';
import { planDigest } from './plan-digest.ts';
import { type ResolvedPlan, resolvePlan } from './plan-resolution.ts';
import { readPlanTree } from './plan-tree.ts';
import type { PlanProblem, UnplacedProblem } from './problem.ts';
import { relativeRepoProblems } from './repo-url.ts';
import { wordIssues } from './schema-problems.ts';
import { sharedProblems } from './shared-problems.ts';
import { planTextSchema } from './text-schema.ts';
import type { TextTree } from './text-tree.ts';
import { workProblems } from './work-problems.ts';

export interface ParsePlanOptions {
  /** Values of the plan's params. Texts are taken for numbers, true/false and lists where the plan wants those. */
  params?: Readonly<Record<string, unknown>>;
  /** Texts of the files that `templateFiles` names, by the names there. */
  files?: Readonly<Record<string, string>>;
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
  /** `digest`: what the plan is pinned to, see planDigest. */
  { ok: true; definition: PlanDefinition; digest: string } | { ok: false; problems: PlanProblem[] };

const MB = 1_024 ** 2;
/** Templates and aliases let a text stand for more than it says; the plan that is recorded has it all. */
const WRITTEN_PER_BYTE = 4;
const DEFAULTS: Required<ParsePlanOptions> = {
  params: {},
  files: {},
  maxBytes: 8 * MB,
  maxYamlBytes: MB,
  maxSteps: 100_000,
  maxDepth: 32,
  absoluteRepo: false,
};

/** Plan text, YAML or JSON, to a definition, or everything that is wrong with it. Never throws. */
export function parsePlan(text: string, given: ParsePlanOptions = {}): ParsedPlan {
  const options = { ...DEFAULTS, ...given };
  const texts: PlanTexts = { text, place: null, files: options.files, filePlaces: new Map() };
  const bytes = Buffer.byteLength(text);
  if (bytes > options.maxBytes) return refuse(texts, [tooLarge(bytes, options.maxBytes)]);
  const reading = readPlanTree(text, bytes, options);
  if (!reading.ok) return { ok: false, problems: placeSyntax(text, reading.problems) };
  if (reading.tree.value === null) {
    return refuse(texts, [{ code: 'empty-plan', message: 'the text holds no plan', path: [] }]);
  }
  return check(texts, reading.tree, options);
}

function check(texts: PlanTexts, tree: TextTree, options: Required<ParsePlanOptions>): ParsedPlan {
  const maxWritten = WRITTEN_PER_BYTE * options.maxBytes;
  const resolved = resolvePlan(tree, { ...options, maxWritten });
  if (resolved.isTooLarge) return refuse({ ...texts, place: tree.place }, resolved.problems);
  const checked = planTextSchema.safeParse(resolved.value, { reportInput: true });
  const problems = [
    ...resolved.problems,
    ...(checked.success ? [] : wordIssues(checked.error.issues, PLACED_MAX)).filter(
      ({ path }) => !resolved.isUnsettled(path),
    ),
    ...sharedProblems(resolved),
    ...outlineProblems(resolved, options),
  ];
  const places = { ...texts, place: resolved.place, filePlaces: resolved.filePlaces };
  // Places of what the text says twice, or may not say at all, are those of the text as it was read.
  const ofReading = placeEach({ ...texts, place: tree.place }, tree.problems.slice(0, PLACED_MAX));
  const placed = [...ofReading, ...resolved.placed];
  if (problems.length > 0 || placed.length > 0 || !checked.success) return refuse(places, problems, placed);
  return {
    ok: true,
    definition: definitionOf(checked.data, resolved.params),
    digest: planDigest(texts.text, options),
  };
}

function outlineProblems({ value }: ResolvedPlan, options: Required<ParsePlanOptions>): UnplacedProblem[] {
  const outline = outlinePlan(value);
  return [
    ...(outline.isEmpty
      ? [{ code: 'empty-plan' as const, message: 'a plan has at least one step', path: ['steps'] }]
      : []),
    ...workProblems(outline),
    ...branchProblems(outline),
    ...graphProblems(outline, options.maxSteps),
    ...(options.absoluteRepo ? relativeRepoProblems(value) : []),
  ];
}

function tooLarge(bytes: number, bytesMax: number): UnplacedProblem {
  return { code: 'text-too-large', message: `${bytes} bytes; at most ${bytesMax} are taken`, path: [] };
}

function refuse(texts: PlanTexts, unplaced: UnplacedProblem[], placed: PlanProblem[] = []): ParsedPlan {
  return { ok: false, problems: placeProblems(texts, unplaced, placed) };
}
