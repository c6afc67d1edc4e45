/** An expression after reading: what the checks look at and what is evaluated. Offsets are into its source. */
export type ExpressionTree = Node;

interface Span {
  start: number;
  end: number;
}

export type Node = Span &
  (
    | { kind: 'literal'; value: string | number | boolean | null }
    | { kind: 'name'; name: string }
    /** `of.key` and, where the key is written out, `of["key"]`. */
    | { kind: 'member'; of: Node; key: string }
    | { kind: 'index'; of: Node; index: Node }
    /** `has(of.key)` */
    | { kind: 'has'; of: Node; key: string }
    | { kind: 'list'; items: Node[] }
    | { kind: 'map'; entries: [Node, Node][] }
    | { kind: 'not'; of: Node }
    | { kind: 'negate'; of: Node }
    | { kind: 'and' | 'or'; left: Node; right: Node }
    | { kind: 'choice'; condition: Node; yes: Node; no: Node }
    | { kind: 'operator'; operator: Operator; left: Node; right: Node }
    /** A method's receiver is its first argument. */
    | { kind: 'call'; name: FunctionName; args: Node[] }
    | { kind: 'loop'; loop: Loop; over: Node; variable: string; filter: Node | null; body: Node }
    | { kind: 'bind'; variable: string; value: Node; body: Node }
  );

export type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | '+' | '-' | '*' | '/' | '%';
export type Loop = 'all' | 'exists' | 'exists_one' | 'map' | 'filter';
export type FunctionName = string;

/** The nodes right below one. */
export function childrenOf(node: Node): Node[] {
  switch (node.kind) {
    case 'literal':
    case 'name':
      return [];
    case 'member':
    case 'has':
    case 'not':
    case 'negate':
      return [node.of];
    case 'index':
      return [node.of, node.index];
    case 'list':
      return node.items;
    case 'map':
      return node.entries.flat();
    case 'and':
    case 'or':
    case 'operator':
      return [node.left, node.right];
    case 'choice':
      return [node.condition, node.yes, node.no];
    case 'call':
      return node.args;
    case 'loop':
      return [node.over, ...(node.filter ? [node.filter] : []), node.body];
    case 'bind':
      return [node.value, node.body];
  }
}

/** The roots that it looks at: `needs`, `params`, ... Names that a loop or `cel.bind` gives are none. */
export function rootsOf(tree: ExpressionTree): Set<string> {
  const roots = new Set<string>();
  const visit = (node: Node, own: ReadonlySet<string>): void => {
    if (node.kind === 'name' && !own.has(node.name)) roots.add(node.name);
    if (node.kind === 'loop') {
      visit(node.over, own);
      const inside = new Set([...own, node.variable]);
      if (node.filter) visit(node.filter, inside);
      visit(node.body, inside);
    } else if (node.kind === 'bind') {
      visit(node.value, own);
      visit(node.body, new Set([...own, node.variable]));
    } else for (const child of childrenOf(node)) visit(child, own);
  };
  visit(tree, new Set());
  return roots;
}

/** The keys that it asks of a root, as far as they are written out: of `params.a + params["b"]` they are a and b. */
export function memberNames(tree: ExpressionTree, root: string): string[] {
  const names: string[] = [];
  const visit = (node: Node): void => {
    if ((node.kind === 'member' || node.kind === 'has') && node.of.kind === 'name' && node.of.name === root) {
      names.push(node.key);
    }
    childrenOf(node).forEach(visit);
  };
  visit(tree);
  return names;
}
