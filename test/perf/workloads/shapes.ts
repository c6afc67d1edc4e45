/** Plan texts whose steps do nothing: what is measured is the fleet, not what it carries. */

interface Step {
  name: string;
  needs?: string[];
  matrix?: string[];
  noop?: true;
  wait?: string;
}

/** 1 root, N leaves, 1 join. */
export function wide(leaves: number): string {
  return plan('wide', [
    { name: 'root', noop: true },
    { name: 'leaf', needs: ['root'], matrix: numbers(leaves), noop: true },
    { name: 'join', needs: ['leaf'], noop: true },
  ]);
}

export function chain(links: number): string {
  return plan(
    'chain',
    numbers(links).map((n, at) => ({
      name: `link-${n}`,
      ...(at > 0 ? { needs: [`link-${at - 1}`] } : {}),
      noop: true,
    })),
  );
}

/** 10 steps: 1, then 8, then 1. */
export function diamond(name: string): string {
  return plan(name, [
    { name: 'top', noop: true },
    { name: 'side', needs: ['top'], matrix: numbers(8), noop: true },
    { name: 'bottom', needs: ['side'], noop: true },
  ]);
}

/** Steps that need nothing. */
export function independent(name: string, steps: number): string {
  return plan(name, [{ name: 'one', matrix: numbers(steps), noop: true }]);
}

/** A plan that only waits. */
export function waiting(name: string, duration: string): string {
  return plan(name, [{ name: 'pause', wait: duration }]);
}

export function plan(name: string, steps: Step[]): string {
  return JSON.stringify({ version: 1, name, steps });
}

export function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}
