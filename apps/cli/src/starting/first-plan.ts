import { Document, isMap, isNode, isScalar, isSeq, Scalar, type Node } from 'yaml';
import type { Example } from './examples/example.ts';
import type { Toolchain } from './toolchains/toolchain.ts';

export interface FirstPlan {
  /** Branch (or SHA) that the plan starts from. */
  base: string;
  toolchain: Toolchain;
  /** Languages that the plan says nothing about. */
  others: string[];
  example: Example;
  /** Address of the format's JSON Schema, for editors. */
  schemaUrl: string;
}

/** The text of a first plan. Written by the YAML library: what comes from a repository is data and never syntax. */
export function firstPlanText(plan: FirstPlan): string {
  const document = new Document(contentOf(plan));
  for (const [path, lines] of commentsOf(plan)) comment(document, path, lines);
  document.commentBefore = [
    ` yaml-language-server: $schema=${plan.schemaUrl}`,
    '',
    ` A first plan, written by \`skein init\` for ${plan.toolchain.name}. Change what you like:`,
    ' `skein plan show` tells what would run, docs/plan-format.md what else a plan can say.',
  ].join('\n');
  for (const key of ['steps', 'integrate']) keyOf(document, [key])!.spaceBefore = true;
  shorten(document);
  return document.toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false });
}

function contentOf({ base, toolchain, example }: FirstPlan): Record<string, unknown> {
  const { setup, verify, env, network } = toolchain;
  const { name, matrix, work } = example;
  const given = matrix && (matrix.exclude.length > 0 ? matrix : { glob: matrix.glob, chunk: matrix.chunk });
  return {
    version: 1,
    name,
    repo: { url: '.', base },
    ...(verify.length > 0 ? { baseline: 'report' } : {}),
    steps: [{ name, ...(given ? { matrix: given } : {}), ...work }],
    integrate: {
      branch: `skein/${name}`,
      ...(setup.length > 0 ? { setup } : {}),
      ...(verify.length > 0 ? { verify } : {}),
      ...(Object.keys(env).length > 0 ? { env } : {}),
      ...(network ? { network } : {}),
      ...(verify.length > 0 ? { timeout: { attempt: '30m', idle: '10m' } } : {}),
    },
  };
}

type Path = (string | number)[];

function commentsOf({ toolchain, others, example }: FirstPlan): [Path, string[]][] {
  const step: Path = ['steps', 0];
  const checked = toolchain.verify.length > 0;
  return [
    [['repo', 'url'], ['This repository: the folder of this file. Only what is committed is seen.']],
    [['repo', 'base'], ['What every step starts from.']],
    [
      ['baseline'],
      [
        'The checks of `integrate` run on the base first, so that what is red already is not blamed on the plan.',
      ],
    ],
    [step, [...example.about, `${capitalized(example.evidence)} at the base.`]],
    [[...step, 'matrix'], ['One step for each so many files; they run beside each other.']],
    [[...step, 'codemod'], ['Rules of ast-grep (https://ast-grep.github.io): `rule` finds, `fix` rewrites.']],
    [[...step, 'run'], ['A shell command, or a list of them. It runs in a worktree of its own.']],
    [[...step, 'verify'], ['Each must exit 0, or the attempt is rejected.']],
    [
      ['integrate'],
      [
        'What was accepted is merged onto the newest base, checked, and put on a new branch.',
        'No branch of yours is touched.',
        ...(checked ? [] : [`There are no checks: ${toolchain.because}, as \`verify: [make test]\`.`]),
        ...(others.length > 0 ? [`The repository is also built with ${others.join(', ')}.`] : []),
      ],
    ],
    [['integrate', 'setup'], ['Before the checks, once.']],
    [
      ['integrate', 'verify'],
      [`From ${toolchain.because}.`, ...toolchain.hints.map((hint) => `${hint}.`)],
    ],
    [['integrate', 'env'], ['For set-up and checks. They inherit nothing of your shell but PATH and LANG.']],
    [['integrate', 'network'], ['Programs have no network unless a plan asks for it.']],
    [
      ['integrate', 'timeout'],
      ['All of it together, and the longest time that a program may print nothing.'],
    ],
  ];
}

function comment(document: Document, path: Path, lines: string[]): void {
  const last = path.at(-1);
  const node = typeof last === 'number' ? document.getIn(path, true) : keyOf(document, path);
  if (isNode(node)) node.commentBefore = lines.map((line) => ` ${line}`).join('\n');
}

/** The key's own node, made where the library has kept a plain string. Null: there is no such key. */
function keyOf(document: Document, path: Path): Scalar | null {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return null;
  const pair = parent.items.find(({ key }) => (isScalar(key) ? key.value : key) === path.at(-1));
  if (pair === undefined) return null;
  if (!isScalar(pair.key)) pair.key = new Scalar(pair.key);
  return pair.key as Scalar;
}

/** Short lists and maps on one line, texts of several lines as blocks. */
function shorten(document: Document): void {
  const visit = (node: unknown): void => {
    if (isScalar(node) && typeof node.value === 'string' && node.value.includes('\n'))
      node.type = Scalar.BLOCK_LITERAL;
    if (isSeq(node)) {
      node.flow = node.items.every((item) => isScalar(item)) && JSON.stringify(node).length < 80;
      node.items.forEach(visit);
    }
    if (isMap(node)) {
      const values = node.items.map(({ value }) => value as Node);
      node.flow = values.every(isScalar) && values.length === 2 && !node.has('url') && !node.has('language');
      values.forEach(visit);
    }
  };
  visit(document.contents);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
