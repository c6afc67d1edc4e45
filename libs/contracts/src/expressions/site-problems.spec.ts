import { readExpression } from './expression-reader.ts';
import { siteProblems } from './site-problems.ts';
import type { ExpressionSite } from './site.ts';

const STEPS = new Set(['plan', 'convert', 'convert-all', 'elsewhere']);

function site(change: Partial<ExpressionSite> = {}): ExpressionSite {
  return {
    params: ['target', 'regions'],
    with: ['file'],
    needs: new Map([
      ['plan', { matrix: null, outputs: ['files', 'count'] }],
      ['convert-all', { matrix: 'value', outputs: ['files'] }],
      ['join', { matrix: null, outputs: [] }],
      ['broken', { matrix: null, outputs: null }],
    ]),
    matrix: 'value',
    only: null,
    isStep: (name) => STEPS.has(name),
    ...change,
  };
}

function problems(source: string, at = site()): string[] {
  const read = readExpression(source);
  if (!read.ok) throw new Error(read.message);
  return siteProblems(read.tree, at).map(({ message, hint }) => (hint ? `${message} (${hint})` : message));
}

describe('the names of an expression', () => {
  it.each([
    'params.target + with.file + plan.name + step.name + matrix.value',
    'needs.plan.outputs.files.map(f, f + ".bak")',
    'needs["convert-all"].all.filter(x, x.outcome == "passed").map(x, x.outputs.files).flatten()',
    'needs["convert-all"].all[0].matrix.value',
    'needs.plan.outcome == "skipped" || has(needs.plan.outputs.files)',
    'needs.broken.outputs.anything',
    'cel.bind(all, needs["convert-all"].all, all.exists(x, x.name == "a"))',
    '[1].map(needs, needs + 1)',
    'params["target"]',
    'params[step.name]',
    'matrix != null',
  ])('%s are all there', (source) => {
    expect(problems(source)).toEqual([]);
  });

  it.each([
    ['params.targett', 'no param is named "targett" (did you mean `target`?)'],
    ['params.zzz', 'no param is named "zzz" (declare it in `params`)'],
    ['with.fill', 'the step gives no "fill" in `with` (did you mean `file`?)'],
    ['plan.title', '`plan` has no "title" (it has id, name)'],
    ['step.names', '`step` has no "names" (did you mean `name`?)'],
    ['matrix.item', '`matrix` has no "item" (it has value)'],
    ['need.plan', 'there is no "need" here (did you mean `needs`?)'],
    ['target', 'there is no "target" here (did you mean `params.target`?)'],
    ['plan1', 'there is no "plan1" here (did you mean `plan`?)'],
    [
      'yes == "a"',
      'there is no "yes" here (known here: params, with, plan, step, matrix, needs; a text needs quotes)',
    ],
    ['needs.plna', 'no need is named "plna" (did you mean `plan`?)'],
    ['needs.elsewhere', '"elsewhere" is no direct need of this step (add it to `needs`)'],
    ['needs.xyzxyz', 'no need is named "xyzxyz" (it needs plan, convert-all, join, broken)'],
    ['needs.convertt-all', 'a name with a dash or a dot is written needs["convert-all"]'],
    ['needs.plan.output', '`needs.plan` has no "output" (did you mean `outputs`?)'],
    ['needs.plan.all', '`needs.plan` has no "all" (it has name, outcome, outputs, matrix)'],
    ['needs.plan.outputs.fils', '"plan" declares no output "fils" (did you mean `files`?)'],
    ['needs.join.outputs.x', '"join" declares no output "x" (give it `outputs: [x]`)'],
    ['has(needs.plan.outputs.nope)', '"plan" declares no output "nope" (it declares files, count)'],
    [
      'needs["convert-all"].outputs',
      '"convert-all" has a matrix: `needs["convert-all"]` has only `all`, the list of its steps (ask its items: needs["convert-all"].all.map(x, x.outputs))',
    ],
    [
      'needs["convert-all"].all.outputs',
      '`needs["convert-all"].all` is a list and has no "outputs" (ask its items: .map(x, x.outputs))',
    ],
    [
      'needs["convert-all"].all.map(x, x.outputs.fils)',
      '"convert-all" declares no output "fils" (did you mean `files`?)',
    ],
    ['needs["convert-all"].all[0].matrix.item', 'has no "item"'],
    ['cel.bind(p, needs.plan, p.outputs.nope)', '"plan" declares no output "nope"'],
    ['needs.plan.matrix.value', 'the step has no matrix'],
  ])('%s: %s', (source, message) => {
    expect(problems(source).join('; ')).toContain(message);
  });

  it('with a dash need brackets, and the hint says so', () => {
    const needs = new Map([['convert-all', { matrix: null, outputs: [] }]]);
    expect(problems('needs.convert-all.outputs.x', site({ needs, isStep: () => false }))).toEqual([
      'no need is named "convert" (a name with a dash or a dot is written needs["convert-all"])',
      'there is no "all" here (known here: params, with, plan, step, matrix, needs; a text needs quotes)',
    ]);
  });

  it('have no value where nothing is known yet', () => {
    const early = site({
      only: { roots: ['params', 'with'], why: 'it is replaced when the plan is submitted' },
    });
    expect(problems('needs.plan.outputs.files', early)).toEqual([
      '`needs` has no value here: it is replaced when the plan is submitted',
    ]);
    expect(problems('params.target + with.file', early)).toEqual([]);
  });

  it('of a step without a matrix hold none', () => {
    expect(problems('matrix.value', site({ matrix: 'none' }))).toEqual([
      'the step has no matrix (give it one, or leave this out)',
    ]);
    expect(problems('matrix.files.map(f, f)', site({ matrix: 'files' }))).toEqual([]);
    expect(problems('matrix.item.name', site({ matrix: 'item' }))).toEqual([]);
  });

  it('are not checked where they cannot be known', () => {
    const unknown = site({ params: null, with: null, needs: null, matrix: 'any' });
    expect(problems('params.a + with.b + needs.c.d + matrix.e', unknown)).toEqual([]);
    expect(problems('prams.a', unknown)).toHaveLength(1);
  });
});
