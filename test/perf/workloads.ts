export interface Workload {
  meaning: string;
  defaultSize: number;
  /** Plan texts, submitted at once. */
  plans: (size: number) => string[];
}

interface Step {
  name: string;
  needs?: string[];
  matrix?: string[];
  noop: true;
}

export const workloads: Record<string, Workload> = {
  wide: {
    meaning: '1 root, N leaves, 1 join',
    defaultSize: 1_000,
    plans: (size) => [
      plan('wide', [
        { name: 'root', noop: true },
        { name: 'leaf', needs: ['root'], matrix: numbers(size), noop: true },
        { name: 'join', needs: ['leaf'], noop: true },
      ]),
    ],
  },
  chain: {
    meaning: 'N in a row',
    defaultSize: 200,
    plans: (size) => [
      plan(
        'chain',
        numbers(size).map((n, at) => ({
          name: `link-${n}`,
          ...(at > 0 ? { needs: [`link-${at - 1}`] } : {}),
          noop: true,
        })),
      ),
    ],
  },
  diamonds: {
    meaning: 'N plans of 10 steps at once',
    defaultSize: 100,
    plans: (size) =>
      numbers(size).map((n) =>
        plan(`diamond-${n}`, [
          { name: 'top', noop: true },
          { name: 'side', needs: ['top'], matrix: numbers(8), noop: true },
          { name: 'bottom', needs: ['side'], noop: true },
        ]),
      ),
  },
};

function plan(name: string, steps: Step[]): string {
  return JSON.stringify({ version: 1, name, steps });
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}
