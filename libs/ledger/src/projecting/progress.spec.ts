import type { PlanView, StepView } from './plan-views.ts';
import type { ProgressOptions } from './progress-page.ts';
import { renderProgress } from './progress.ts';
import { noSteps } from './step-row.ts';

/** 65 minutes after the submission. */
const NOW = '2026-11-20T13:05:00.000Z';
const LINKS = 'http://127.0.0.1:7070/v1/plans/plan1';

function at(clock: string): string {
  return `2026-11-20T${clock}:00.000Z`;
}

function aPlanView(o: Partial<PlanView> = {}): PlanView {
  return {
    planId: 'plan1',
    name: 'move to ESM',
    tenant: 'default',
    status: 'running',
    labels: {},
    params: {},
    priority: 0,
    submittedAt: at('12:00'),
    endedAt: null,
    counts: noSteps(),
    baseSha: 'b'.repeat(40),
    integration: null,
    reason: null,
    head: { seq: 12, hash: 'f'.repeat(64) },
    closed: false,
    ...o,
  };
}

function aStepView(ordinal: number, name: string, o: Partial<StepView> = {}): StepView {
  return {
    ordinal,
    name,
    kind: 'run',
    state: 'waiting',
    epoch: 1,
    attemptsUsed: 0,
    leasesLost: 0,
    notBefore: null,
    reason: null,
    worker: null,
    startedAt: null,
    endedAt: null,
    commit: null,
    outputs: {},
    needs: [],
    ...o,
  };
}

const passed = { state: 'passed', startedAt: at('12:00'), endedAt: at('12:10'), attemptsUsed: 1 } as const;
const because = (message: string) => ({ code: 'x', message });

/** `count` steps of the matrix `convert`; `change` says what the i-th is. */
function convert(count: number, change: (i: number) => Partial<StepView>): StepView[] {
  return Array.from({ length: count }, (_, i) => aStepView(i + 1, `convert[src/${i}.js]`, change(i)));
}

/** What every repository plan ends with. */
function lastSteps(from: number, o: Partial<StepView> = {}): StepView[] {
  return (['integrate', 'publish', 'clean'] as const).map((kind, i) =>
    aStepView(from + i, kind, { kind, ...o }),
  );
}

function page(steps: StepView[], plan: Partial<PlanView> = {}, o: Partial<ProgressOptions> = {}): string {
  return renderProgress(aPlanView(plan), steps, { nowMs: Date.parse(NOW), ...o });
}

describe('progress.md', () => {
  it('of a plan that runs: how far it is, when it may be done, and that nobody needs to do anything', () => {
    const steps = [
      ...convert(6, (i) => (i < 3 ? passed : i === 3 ? { state: 'running', startedAt: at('13:00') } : {})),
      aStepView(7, 'check', { needs: ['convert'] }),
      ...lastSteps(8),
    ];
    expect(page(steps)).toBe(`# Plan \`move to ESM\`

**Running**: 3 of 10 steps done, about 20 min left. Nobody needs to do anything.

## Runs now

- \`convert[src/3.js]\` (s4), for 5 min

## Steps

| step | done | not done | takes |
| --- | ---: | --- | ---: |
| \`convert\` | 3 of 6 | 2 waiting · 1 running | 10 min |
| \`check\` | 0 of 1 | 1 waiting |  |
| \`integrate\` | 0 of 1 | 1 waiting |  |
| \`publish\` | 0 of 1 | 1 waiting |  |
| \`clean\` | 0 of 1 | 1 waiting |  |

Plan \`plan1\` of tenant \`default\`, submitted 2026-11-20 12:00 UTC. Base: \`bbbbbbbbbbbb\`.
Computed from the ledger up to event 12 (ffffffffffffffff). Do not edit: nobody reads it back.
`);
  });

  it('of a plan that is stuck: what failed and why, what that holds up, and where to look', () => {
    const steps = [
      ...convert(3, (i) =>
        i === 1
          ? {
              state: 'blocked',
              attemptsUsed: 3,
              reason: because('all 3 attempts were rejected: 2 tests fail'),
            }
          : passed,
      ),
      aStepView(4, 'check', { needs: ['convert'] }),
      aStepView(5, 'announce', { needs: ['check'] }),
      ...lastSteps(6),
    ];
    const text = page(steps, {}, { links: LINKS });
    expect(text).toContain('**Running**: 2 of 8 steps done. 1 step needs a person.\n');
    expect(text).toContain(
      `## Needs a person

- **blocked** \`convert[src/1.js]\` (s2): all 3 attempts were rejected: 2 tests fail. 2 steps cannot start without it.` +
        ` ([log](${LINKS}/steps/s2/attempts/3/log), [diff](${LINKS}/steps/s2/attempts/3/diff), [all attempts](${LINKS}/steps/s2/attempts))\n`,
    );
    expect(text).toContain(`All of it: [steps](${LINKS}/steps), [ledger](${LINKS}/ledger).`);
  });

  it('of a plan that waits: for whom or what, with its time, the most steps first', () => {
    const noWorker = 'no worker serves pool "heavy": start one, or change the step\'s pool';
    const steps = [
      ...convert(40, () => ({})),
      aStepView(41, 'soak', {
        kind: 'wait',
        state: 'sleeping',
        startedAt: at('13:00'),
        notBefore: at('15:15'),
      }),
      aStepView(42, 'flaky', { notBefore: at('13:07') }),
      aStepView(43, 'queued', { state: 'admitted' }),
      aStepView(44, 'after', { needs: ['soak'] }),
      ...lastSteps(45),
    ];
    const waits = {
      ...Object.fromEntries(steps.slice(0, 40).map(({ ordinal }) => [`s${ordinal}`, noWorker])),
      s44: 'needs soak (0 of 1 done)',
      s45: "waits for 44 of the plan's steps",
    };
    const [, waitsFor] = /## Waits for\n\n([^]*?)\n\n/.exec(page(steps, {}, { waits })) ?? [];
    expect(waitsFor!.split('\n')).toEqual([
      `- 40 steps, the first is \`convert[src/0.js]\` (s1): ${noWorker}.`,
      '- `soak` (s41): its time, 2026-11-20 15:15 UTC (in 2 h 10 min).',
      '- `flaky` (s42): its next try, 2026-11-20 13:07 UTC (in 2 min).',
      '- `queued` (s43): a free worker.',
    ]);
  });

  it('of a plan that only sleeps: when it goes on', () => {
    const asleep = {
      kind: 'wait',
      state: 'sleeping',
      startedAt: at('13:00'),
      notBefore: at('15:15'),
    } as const;
    const text = page([aStepView(1, 'build', passed), aStepView(2, 'soak', asleep)]);
    expect(text).toContain(
      '**Running**: 1 of 2 steps done, about 2 h 10 min left. Nobody needs to do anything.',
    );
  });

  it('says that nothing runs when nothing does', () => {
    expect(page([aStepView(1, 'build')])).toContain('**Running**: 0 of 1 step done. Nothing runs now.');
  });

  it('says of a paused plan who paused it, and why', () => {
    const reason = { code: 'plan-paused', message: 'paused by ann: lunch' };
    expect(page([aStepView(1, 'build')], { reason })).toContain(
      '**Paused**: 0 of 1 step done. The plan was paused by ann: lunch.',
    );
  });

  it('tells why the integration waits once everything else is done, and not before', () => {
    const waits = { s2: 'plan other1 is integrating into main' };
    const done = page([aStepView(1, 'build', passed), ...lastSteps(2)], {}, { waits });
    expect(done).toContain('- `integrate` (s2): plan other1 is integrating into main.');
    expect(page([aStepView(1, 'build'), ...lastSteps(2)], {}, { waits })).not.toContain('Waits for');
  });

  it('of a plan whose base is red: which checks failed before any step did anything, and which are flaky', () => {
    const checks = [
      { command: 'npm test', verdict: 'red', durationMs: 9_000, reason: '2 of 80 tests fail' },
      { command: 'npm run lint', verdict: 'green', durationMs: 100, reason: null },
      { command: 'npm run e2e', verdict: 'flaky', durationMs: 9_000, reason: 'exited with 1' },
    ];
    const baseline = aStepView(3, 'baseline', {
      kind: 'baseline',
      ...passed,
      outputs: { checks, cached: false },
    });
    expect(page([aStepView(1, 'build', passed), baseline])).toContain(`## The base

- **red** \`npm test\` fails without any change of the plan: 2 of 80 tests fail.
- **flaky** \`npm run e2e\` fails now and then without any change of the plan: exited with 1.
`);
    const odd = [null, 7, { command: 1, verdict: 'red' }, { command: 'x', verdict: 'red', reason: {} }];
    expect(page([aStepView(3, 'baseline', { kind: 'baseline', outputs: { checks: odd } })])).not.toContain(
      'The base',
    );
  });

  it('of a plan that halted: why, and what is left of it', () => {
    const steps = [
      aStepView(1, 'build', { ...passed, commit: { sha: 'a'.repeat(40), ref: 'r' } }),
      aStepView(2, 'test', { state: 'poisoned', reason: because('3 leases were lost') }),
    ];
    const text = page(steps, {
      status: 'halted',
      endedAt: at('14:30'),
      reason: because('test (s2) is poisoned'),
    });
    expect(text).toContain(
      '**Halted** 2026-11-20 14:30 UTC, after 2 h 30 min: 1 of 2 steps done. test (s2) is poisoned.',
    );
    expect(text).toContain('- **poisoned** `test` (s2): 3 leases were lost.');
    expect(text).toContain('- 1 step changed files; nothing is merged yet.');
  });

  it('of a plan that completed: the branch, how large the change is, and the diff', () => {
    const integration = {
      branch: 'skein/esm',
      sha: 'c'.repeat(40),
      expectedOld: null,
      baseSha: 'b'.repeat(40),
      diffstat: { files: 10, insertions: 86, deletions: 159 },
      state: 'published',
    } as const;
    const plan = { status: 'completed', endedAt: at('14:30'), integration } as const;
    const steps = [aStepView(1, 'build', passed)];
    const text = page(steps, plan, { links: LINKS });
    expect(text).toContain('**Completed** 2026-11-20 14:30 UTC, after 2 h 30 min: 1 of 1 step done.\n');
    expect(text).toContain(
      `- Branch \`skein/esm\` at \`cccccccccccc\`: 10 files changed, +86 −159 ([diff](${LINKS}/diff))\n`,
    );
    expect(page(steps, { ...plan, integration: { ...integration, state: 'accepted' } })).toContain(
      ', accepted but not pushed yet:',
    );
  });

  it('has no links where it is not read from the API', () => {
    const steps = convert(2, (i) =>
      i === 0 ? { state: 'running', startedAt: at('13:00') } : { state: 'blocked', attemptsUsed: 2 },
    );
    expect(page(steps)).not.toMatch(/\]\(|https?:/);
    expect(page(steps, {}, { links: LINKS })).toContain(`([log](${LINKS}/steps/s1/attempts/1/log))`);
  });

  const hostile: [string, string][] = [
    ['a new heading', 'x\n# Approved\n'],
    ['a table cell', 'x | passed | 1 |'],
    ['a table cell behind a backslash', 'x \\| passed \\\\| 1 |'],
    ['a way out of its code span', 'x` **bold** `` <img src=x>'],
    ['a terminal control', 'x\u001b[2J\u0007\u009b31m'],
    ['a turned reading direction', 'x\u202egnp.exe\u2066'],
    ['a line separator', 'x\u2028# y\u2029z'],
    ['a lone surrogate', 'x\ud800'],
  ];

  it.each(hostile)('gives a hostile name no chance: %s', (_, name) => {
    const states = ['running', 'blocked', 'admitted', 'passed'] as const;
    const pageOf = (one: string) =>
      page(
        states.map((state, i) => aStepView(i + 1, `${i}${one}`, { state })),
        { name: one, tenant: one },
      );
    const [honest, text] = [pageOf('x'), pageOf(name)];
    expect(text.split('\n')).toHaveLength(honest.split('\n').length);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(text.isWellFormed()).toBe(true);
    const rows = text.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(5);
    for (const line of text.split('\n').filter((one) => one.includes('x'))) {
      // Whatever is not in a code span has no markup in it.
      expect(line.replace(/(`+) ?.*?[^`] ?\1(?!`)/g, '')).not.toMatch(/<img|# (Approved|y)|\*\*bold/);
    }
  });

  it('makes no markup, links or mentions of what programs and the decider say', () => {
    const message =
      '<script>alert(1)</script> [x](javascript:y) ![i](z) **b** `c` @admin https://evil www.evil\n# h';
    const checks = [{ command: 'x', verdict: 'red', reason: message }];
    const text = page(
      [
        aStepView(1, 'bad', { state: 'blocked', reason: because(message) }),
        aStepView(2, 'again', { state: 'running', attemptsUsed: 1, reason: because(message) }),
        aStepView(3, 'waits'),
        aStepView(4, 'baseline', { kind: 'baseline', ...passed, outputs: { checks } }),
      ],
      { status: 'running' },
      { waits: { s3: message } },
    );
    const halted = page([], { status: 'halted', reason: because(message) });
    for (const line of `${text}${halted}`.split('\n').filter((one) => one.includes('alert'))) {
      expect(line).toContain('&lt;script>');
      expect(line).toContain('\\[x\\](javascript:y)');
      expect(line).toContain('\\@admin');
      expect(line).not.toContain('https://');
      expect(line).not.toContain('www.');
    }
    expect(`${text}${halted}`.match(/alert/g)).toHaveLength(5);
    expect(text.split('\n').filter((one) => one.startsWith('#'))).toEqual([
      '# Plan `move to ESM`',
      '## Needs a person',
      '## Waits for',
      '## Runs now',
      '## The base',
      '## Steps',
    ]);
  });

  it('stays a page that a person can read, of a hundred thousand steps and of the longest reasons', () => {
    const states = ['blocked', 'running', 'admitted', 'waiting', 'passed'] as const;
    const steps = Array.from({ length: 100_000 }, (_, i) =>
      aStepView(i, `step-${i}[${'v'.repeat(500)}]`, {
        state: states[i % 5]!,
        reason: because('y'.repeat(8_000)),
        needs: i === 0 ? [] : [`step-${i - 1}`],
      }),
    );
    const startMs = performance.now();
    const text = page(steps, {}, { links: LINKS });
    expect(performance.now() - startMs).toBeLessThan(4_000);
    expect(Buffer.byteLength(text)).toBeLessThan(128 * 1024);
    expect(text).toMatch(/More than \d+ steps cannot start without it/);
    expect(text).toContain('- ... and 19950 more.');
    expect(text).toContain('\n... and 99800 more.\n');
  });
});
