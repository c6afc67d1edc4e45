import type { Chance } from '../faults/chance.ts';
import type { Shape } from './shape.ts';

interface Given {
  number: number;
  repoUrl: string;
  chance: Chance;
}

type Step = Record<string, unknown>;

/** Workers with a small disk do not serve it: what must use exactly so many attempts is not for them. */
export const EXACT_POOL = 'exact';
export const POISON = 'poison';

/** A step that says that it runs, takes a moment, and leaves a mark of its own. */
function work(name: string, given: Given, more: Step = {}): Step {
  const file = more['matrix'] === undefined ? name : `${name}-$SKEIN_MATRIX`;
  const seconds = (given.chance.between(1, 8) / 10).toFixed(1);
  return {
    name,
    // A disk that is full fails an attempt like any other bad luck; it must not use them up.
    attempts: 20,
    run: [
      'witness',
      `sleep ${seconds}`,
      `mkdir -p out && echo "$SKEIN_EPOCH $SKEIN_ATTEMPT" > "out/${file}.txt"`,
    ],
    verify: [`test -s "out/${file}.txt"`],
    ...more,
  };
}

function plan(name: string, given: Given, steps: Step[], o: Partial<Shape> & { more?: Step } = {}): Shape {
  const branch = `chaos/${given.number}-${name}`;
  const { more, ...rest } = o;
  const text = {
    version: 1,
    name: `${name}-${given.number}`,
    repo: { url: given.repoUrl, base: 'main' },
    // The faults take leases by the dozen: only a plan that is about it may run out of them.
    maxLeases: 100,
    integrate: { branch, verify: ['test -f README.md'], pool: EXACT_POOL },
    steps,
    ...more,
  };
  const expected = {
    ends: 'completed' as const,
    marks: [],
    files: {},
    outcomes: {},
    attempts: {},
    cancelAfterMs: null,
  };
  return { name, text: JSON.stringify(text), branch, ...expected, ...rest };
}

const list = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));

function wide(given: Given): Shape {
  const values = list(given.chance.between(5, 9));
  const steps = [work('change', given, { matrix: values }), work('gather', given, { needs: ['change'] })];
  return plan('wide', given, steps, { marks: [...values.map((value) => `change[${value}]`), 'gather'] });
}

/** Each step adds a line to one file: a change that came twice, or not at all, shows. */
function chain(given: Given): Shape {
  const names = list(given.chance.between(3, 5));
  const steps = names.map((name, index) => ({
    name: `link${name}`,
    attempts: 20,
    ...(index > 0 ? { needs: [`link${names[index - 1]}`] } : {}),
    run: ['witness', 'sleep 0.3', `echo ${name} >> chain.txt`],
    verify: [`test "$(wc -l < chain.txt)" -eq ${name}`],
  }));
  return plan('chain', given, steps, { files: { 'chain.txt': names.map((name) => `${name}\n`).join('') } });
}

function diamond(given: Given): Shape {
  const steps = [
    work('top', given),
    work('left', given, { needs: ['top'] }),
    work('right', given, { needs: ['top'], priority: 5 }),
    {
      ...work('bottom', given, { needs: ['left', 'right'] }),
      setup: ['test -f out/left.txt && test -f out/right.txt'],
    },
  ];
  return plan('diamond', given, steps, { marks: ['top', 'left', 'right', 'bottom'] });
}

/** What there is to do is decided while it runs. */
function discovered(given: Given): Shape {
  const items = list(given.chance.between(2, 5));
  const scan = {
    name: 'scan',
    attempts: 20,
    run: ['witness', `echo '${JSON.stringify({ items })}' > "$SKEIN_OUTPUTS"`],
    outputs: ['items'],
  };
  const steps = [
    scan,
    work('convert', given, { needs: ['scan'], matrix: { from: 'needs.scan.outputs.items' } }),
  ];
  return plan('discovered', given, steps, { marks: items.map((item) => `convert[${item}]`) });
}

/** An agent that is rejected twice and goes on from its own last attempt: the file tells of each attempt once. */
function rejected(given: Given): Shape {
  const agent = {
    name: 'grow',
    attempts: 3,
    pool: EXACT_POOL,
    agent: { command: 'witness; sleep 0.3; echo "$SKEIN_ATTEMPT" >> grown.txt', prompt: 'Grow.' },
    verify: ['test "$(wc -l < grown.txt)" -ge 3'],
  };
  const files = { 'grown.txt': '1\n2\n3\n' };
  return plan('rejected', given, [agent], { files, attempts: { grow: 3 } });
}

function waiting(given: Given): Shape {
  const steps = [
    work('before', given),
    { name: 'rest', needs: ['before'], wait: `${given.chance.between(1, 3)}s` },
    work('behind', given, { needs: ['rest'] }),
  ];
  return plan('waiting', given, steps, { marks: ['before', 'behind'] });
}

function locked(given: Given): Shape {
  const values = list(4);
  const steps = [work('enter', given, { matrix: values, locks: ['narrow'] })];
  const more = { locks: { narrow: 1 } };
  return plan('locked', given, steps, { more, marks: values.map((value) => `enter[${value}]`) });
}

function blocked(given: Given): Shape {
  const bad = {
    ...work('bad', given, { pool: EXACT_POOL }),
    attempts: 2,
    verify: ['echo never good enough; false'],
  };
  const steps = [bad, work('behind', given, { needs: ['bad'] }), work('free', given)];
  return plan('blocked', given, steps, {
    ends: 'halted',
    outcomes: { bad: 'blocked', behind: 'never-admitted', free: 'passed' },
    attempts: { bad: 2 },
  });
}

/** Chaos kills every worker that runs `deadly`. */
function poisoned(given: Given): Shape {
  const deadly = { name: 'deadly', run: [`witness ${POISON}`, 'sleep 100', 'false'] };
  const steps = [deadly, work('behind', given, { needs: ['deadly'] })];
  return plan('poisoned', given, steps, {
    more: { maxLeases: 3 },
    ends: 'halted',
    outcomes: { deadly: 'poisoned', behind: 'never-admitted' },
  });
}

function cancelled(given: Given): Shape {
  const values = list(8);
  const steps = [work('change', given, { matrix: values })];
  return plan('cancelled', given, steps, {
    ends: 'cancelled',
    marks: values.map((value) => `change[${value}]`),
    cancelAfterMs: given.chance.between(300, 6_000),
  });
}

const COMMON = [wide, chain, diamond, discovered, rejected, waiting, locked, blocked, cancelled];
const POISON_EVERY = 3;

/** Plans without end: each shape once in a while, in an order that follows from `chance` alone. */
export function* shapes(repoUrl: string, chance: Chance): Generator<Shape, never> {
  for (let number = 1, round = 0; ; round += 1) {
    const deck = round % POISON_EVERY === 0 ? [poisoned, ...COMMON] : COMMON;
    for (const make of chance.shuffled(deck)) yield make({ number: number++, repoUrl, chance });
  }
}
