import { show } from '../plan/problem.ts';
import { didYouMean, plainNames } from '../plan/suggestion.ts';
import { childrenOf, type ExpressionTree, type Node } from './expression-tree.ts';
import { EXPRESSION_ROOTS, type ExpressionSite, type MatrixSite, type NeedSite } from './site.ts';

export interface SiteProblem {
  message: string;
  hint?: string;
}

/** What can be said of a value before there is one: enough to check the names that are asked of it. */
type Shape =
  | { kind: 'any' }
  | { kind: 'list'; of: Shape; name: string }
  | { kind: 'map'; keys: ReadonlyMap<string, Shape>; name: string; unknown(key: string): SiteProblem }
  | { kind: 'nothing'; problem: SiteProblem };

const ANY: Shape = { kind: 'any' };

interface Bound {
  name: string;
  shape: Shape;
  outer: Bound | null;
}

/** Names in an expression that cannot have a value where it stands. */
export function siteProblems(tree: ExpressionTree, site: ExpressionSite): SiteProblem[] {
  const problems: SiteProblem[] = [];
  shapeOf(tree, null, { site, problems });
  return problems;
}

interface Walk {
  site: ExpressionSite;
  problems: SiteProblem[];
}

function shapeOf(node: Node, bound: Bound | null, walk: Walk): Shape {
  switch (node.kind) {
    case 'name':
      return nameShape(node.name, bound, walk);
    case 'member':
    case 'has':
      return memberShape(shapeOf(node.of, bound, walk), node.key, walk);
    case 'index': {
      shapeOf(node.index, bound, walk);
      const of = shapeOf(node.of, bound, walk);
      return of.kind === 'list' ? of.of : ANY;
    }
    case 'loop':
      return loopShape(node, bound, walk);
    case 'bind': {
      const shape = shapeOf(node.value, bound, walk);
      return shapeOf(node.body, { name: node.variable, shape, outer: bound }, walk);
    }
    default:
      for (const child of childrenOf(node)) shapeOf(child, bound, walk);
      return ANY;
  }
}

function loopShape(node: Node & { kind: 'loop' }, bound: Bound | null, walk: Walk): Shape {
  const over = shapeOf(node.over, bound, walk);
  const inside = { name: node.variable, shape: over.kind === 'list' ? over.of : ANY, outer: bound };
  if (node.filter) shapeOf(node.filter, inside, walk);
  const body = shapeOf(node.body, inside, walk);
  if (node.loop === 'filter') return over;
  return node.loop === 'map' ? { kind: 'list', of: body, name: 'the list' } : ANY;
}

function nameShape(name: string, bound: Bound | null, walk: Walk): Shape {
  for (let at = bound; at; at = at.outer) if (at.name === name) return at.shape;
  const { only } = walk.site;
  const root = EXPRESSION_ROOTS.find((one) => one === name);
  if (!root) {
    walk.problems.push({ message: `there is no ${show(name)} here`, ...hintForName(name, walk.site) });
    return ANY;
  }
  if (only && !only.roots.includes(root)) {
    walk.problems.push({ message: `\`${root}\` has no value here: ${only.why}` });
    return ANY;
  }
  return rootShape(root, walk.site);
}

function hintForName(name: string, site: ExpressionSite): { hint: string } {
  const known = site.only?.roots ?? EXPRESSION_ROOTS;
  if (site.params?.includes(name)) return { hint: `did you mean \`params.${name}\`?` };
  if (site.needs?.has(name)) return { hint: `did you mean \`needs.${name}\`?` };
  const nearest = didYouMean(name, known);
  return {
    hint: nearest ? `did you mean \`${nearest}\`?` : `known here: ${known.join(', ')}; a text needs quotes`,
  };
}

function memberShape(of: Shape, key: string, walk: Walk): Shape {
  switch (of.kind) {
    case 'any':
      return ANY;
    case 'list':
      walk.problems.push({
        message: `${of.name} is a list and has no ${show(key)}`,
        hint: `ask its items: .map(x, x.${/^\w+$/.test(key) ? key : '...'})`,
      });
      return ANY;
    case 'nothing':
      walk.problems.push(of.problem);
      return ANY;
    case 'map': {
      const shape = of.keys.get(key);
      if (shape) return shape;
      walk.problems.push(of.unknown(key));
      return ANY;
    }
  }
}

function rootShape(root: (typeof EXPRESSION_ROOTS)[number], site: ExpressionSite): Shape {
  switch (root) {
    case 'params':
      return site.params
        ? named('params', site.params, (key) =>
            unknown(`no param is named ${show(key)}`, key, site.params!, 'declare it in `params`'),
          )
        : ANY;
    case 'with':
      return site.with
        ? named('with', site.with, (key) =>
            unknown(`the step gives no ${show(key)} in \`with\``, key, site.with!, 'give it in `with`'),
          )
        : ANY;
    case 'plan':
      return closed('plan', { id: ANY, name: ANY });
    case 'step':
      return closed('step', { name: ANY, ordinal: ANY });
    case 'matrix':
      return site.matrix === 'any' ? ANY : matrixShape('matrix', site.matrix === 'none' ? null : site.matrix);
    case 'needs':
      return site.needs ? needsShape(site.needs, site) : ANY;
  }
}

function named(name: string, keys: readonly string[], unknownKey: (key: string) => SiteProblem): Shape {
  return { kind: 'map', name, keys: new Map(keys.map((key) => [key, ANY])), unknown: unknownKey };
}

function closed(name: string, keys: Record<string, Shape>): Shape {
  const known = Object.keys(keys);
  return {
    kind: 'map',
    name,
    keys: new Map(Object.entries(keys)),
    unknown: (key) =>
      unknown(`\`${name}\` has no ${show(key)}`, key, known, `it has ${known.join(', ') || 'nothing'}`),
  };
}

function unknown(message: string, key: string, known: readonly string[], otherwise: string): SiteProblem {
  const nearest = didYouMean(key, plainNames(known));
  return { message, hint: nearest ? `did you mean \`${nearest}\`?` : otherwise };
}

function matrixShape(name: string, matrix: MatrixSite | null): Shape {
  switch (matrix) {
    case null:
      return {
        kind: 'nothing',
        problem: { message: 'the step has no matrix', hint: 'give it one, or leave this out' },
      };
    case 'value':
      return closed(name, { value: ANY });
    case 'files':
      return closed(name, { files: { kind: 'list', of: ANY, name: `\`${name}.files\`` } });
    case 'item':
      return closed(name, { item: ANY });
  }
}

function needsShape(needs: ReadonlyMap<string, NeedSite>, site: ExpressionSite): Shape {
  const names = [...needs.keys()];
  const plain = plainNames(names);
  return {
    kind: 'map',
    name: 'needs',
    keys: new Map(names.map((name) => [name, needShape(name, needs.get(name)!)])),
    unknown: (key) => unknownNeed(key, plain, site),
  };
}

function unknownNeed(key: string, names: readonly string[], site: ExpressionSite): SiteProblem {
  if (site.isStep(key)) {
    return { message: `${show(key)} is no direct need of this step`, hint: 'add it to `needs`' };
  }
  const dashed = names.find(
    (name) => /[-.]/.test(name) && didYouMean(key, [name.split(/[-.]/)[0]!]) !== null,
  );
  if (dashed) {
    return {
      message: `no need is named ${show(key)}`,
      hint: `a name with a dash or a dot is written needs["${dashed}"]`,
    };
  }
  return unknown(
    `no need is named ${show(key)}`,
    key,
    names,
    names.length > 0 ? `it needs ${names.slice(0, 10).join(', ')}` : 'the step has no `needs`',
  );
}

function needShape(name: string, need: NeedSite): Shape {
  const path = /^\w+$/.test(name) ? `needs.${name}` : `needs[${show(name)}]`;
  const { outputs, matrix } = need;
  const one = (base: string): Record<string, Shape> => ({
    name: ANY,
    outcome: ANY,
    outputs: outputs === null ? ANY : outputsShape(name, base, outputs),
    matrix: matrixShape(`${base}.matrix`, matrix),
  });
  if (!matrix) return closed(path, one(path));
  const item = closed(`an item of ${path}.all`, one(`${path}.all[i]`));
  const all: Shape = { kind: 'list', of: item, name: `\`${path}.all\`` };
  return {
    kind: 'map',
    name: path,
    keys: new Map([['all', all]]),
    unknown: (key) => ({
      message: `${show(name)} has a matrix: \`${path}\` has only \`all\`, the list of its steps`,
      hint: `ask its items: ${path}.all.map(x, x.${/^\w+$/.test(key) ? key : '...'})`,
    }),
  };
}

function outputsShape(step: string, path: string, outputs: readonly string[]): Shape {
  return named(`${path}.outputs`, outputs, (key) =>
    unknown(
      `${show(step)} declares no output ${show(key)}`,
      key,
      outputs,
      outputs.length > 0
        ? `it declares ${plainNames(outputs).slice(0, 10).join(', ')}`
        : `give it \`outputs: [${/^\w+$/.test(key) ? key : '...'}]\``,
    ),
  );
}
