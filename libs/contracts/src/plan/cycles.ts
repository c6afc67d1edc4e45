/**
 * One cycle of every knot of a graph: of every set of nodes that all reach each other. `next[n]` lists where n leads.
 * Linear, and without recursion: a chain of 100,000 steps is a legal plan.
 */
export function findCycles(next: readonly (readonly number[])[]): number[][] {
  const knot = knots(next);
  const sizes = new Map<number, number>();
  for (const id of knot) sizes.set(id, (sizes.get(id) ?? 0) + 1);
  const shown = new Set<number>();
  const cycles: number[][] = [];
  for (const [start, id] of knot.entries()) {
    if (shown.has(id) || sizes.get(id)! < 2) continue;
    shown.add(id);
    cycles.push(walkToCycle(start, next, knot));
  }
  return cycles;
}

/** Inside a knot every node leads to one of the same knot, so walking on must come back. */
function walkToCycle(start: number, next: readonly (readonly number[])[], knot: readonly number[]): number[] {
  const walk: number[] = [];
  const placeInWalk = new Map<number, number>();
  let at = start;
  while (!placeInWalk.has(at)) {
    placeInWalk.set(at, walk.length);
    walk.push(at);
    at = next[at]!.find((to) => to !== at && knot[to] === knot[start])!;
  }
  return walk.slice(placeInWalk.get(at));
}

/** Kosaraju's strongly connected components: for each node the number of its component. */
function knots(next: readonly (readonly number[])[]): number[] {
  const before = next.map((): number[] => []);
  for (const [from, tos] of next.entries()) for (const to of tos) before[to]!.push(from);
  const knot = new Array<number>(next.length).fill(-1);
  for (const root of finishingOrder(next).reverse()) {
    if (knot[root] !== -1) continue;
    knot[root] = root;
    const open = [root];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const from of before[at]!) {
        if (knot[from] !== -1) continue;
        knot[from] = root;
        open.push(from);
      }
    }
  }
  return knot;
}

function finishingOrder(next: readonly (readonly number[])[]): number[] {
  const order: number[] = [];
  const seen = new Array<boolean>(next.length).fill(false);
  for (const root of next.keys()) {
    if (seen[root]) continue;
    seen[root] = true;
    const open = [{ node: root, done: 0 }];
    while (open.length > 0) {
      const top = open.at(-1)!;
      const to = next[top.node]![top.done++];
      if (to === undefined) {
        order.push(top.node);
        open.pop();
      } else if (!seen[to]) {
        seen[to] = true;
        open.push({ node: to, done: 0 });
      }
    }
  }
  return order;
}
