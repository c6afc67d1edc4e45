import type { PlanView, StepView } from './plan-views.ts';
import { renderProgress } from './progress.ts';
import { noSteps } from './step-row.ts';

function aPlanView(o: Partial<PlanView> = {}): PlanView {
  return {
    planId: 'plan1',
    name: 'move to ESM',
    tenant: 'default',
    status: 'running',
    labels: {},
    params: {},
    priority: 0,
    submittedAt: '2026-11-20T12:00:00.000Z',
    endedAt: null,
    counts: { ...noSteps(), passed: 1, running: 1 },
    baseSha: 'b'.repeat(40),
    integration: null,
    reason: null,
    head: { seq: 12, hash: 'f'.repeat(64) },
    closed: false,
    ...o,
  };
}

function aStepView(o: Partial<StepView> = {}): StepView {
  return {
    ordinal: 1,
    name: 'convert[src/auth.js]',
    kind: 'run',
    state: 'passed',
    epoch: 1,
    attemptsUsed: 1,
    leasesLost: 0,
    notBefore: null,
    reason: null,
    worker: 'w1',
    startedAt: null,
    endedAt: null,
    commit: { sha: 'a'.repeat(40), ref: 'refs/skein/plan1/s1/1-aa/1' },
    outputs: {},
    needs: [],
    ...o,
  };
}

describe('progress.md', () => {
  it('shows the plan, its counts and its steps', () => {
    const text = renderProgress(aPlanView(), [
      aStepView(),
      aStepView({ ordinal: 2, name: 'test', state: 'running', commit: null }),
    ]);
    expect(text).toContain('# Plan `move to ESM`');
    expect(text).toContain('| running | passed |');
    expect(text).toContain('| s1 | `convert[src/auth.js]` | passed | 1 | `aaaaaaaaaaaa` |');
    expect(text).toContain('| s2 | `test` | running | 1 |  |');
    expect(text).toContain('up to event 12 (ffffffffffffffff)');
  });

  it('names first what needs a person', () => {
    const text = renderProgress(
      aPlanView({ status: 'halted', reason: { code: 'x', message: 'test is blocked' } }),
      [
        aStepView(),
        aStepView({
          ordinal: 2,
          name: 'test',
          state: 'blocked',
          reason: { code: 'x', message: '3 tests failed' },
        }),
      ],
    );
    expect(text).toContain('- Status: **halted**: test is blocked');
    expect(text).toContain('## Needs a person\n\n- **blocked** s2 `test`: 3 tests failed\n');
  });

  it('tells where the integration is', () => {
    const integration = {
      branch: 'skein/esm',
      sha: 'c'.repeat(40),
      expectedOld: null,
      baseSha: 'b'.repeat(40),
      diffstat: null,
      state: 'published',
    } as const;
    expect(renderProgress(aPlanView({ integration }), [])).toContain(
      `- Integration: \`skein/esm\` at \`${'c'.repeat(40)}\`, published`,
    );
  });

  it.each([
    ['a new heading', 'x\n# Approved\n'],
    ['a table cell', 'x | passed | 1 |'],
    ['a table cell behind a backslash', 'x \\| passed \\\\| 1 |'],
    ['a way out of its code span', 'x` **bold** `` <img src=x>'],
    ['a terminal control', 'x\u001b[2J\u0007\u009b31m'],
    ['a turned reading direction', 'x\u202egnp.exe\u2066'],
    ['a line separator', 'x\u2028# y\u2029z'],
    ['a lone surrogate', 'x\ud800'],
  ])('gives a hostile step name no chance: %s', (_, name) => {
    const honest = renderProgress(aPlanView(), [aStepView({ name: 'x' })]);
    const text = renderProgress(aPlanView(), [aStepView({ name })]);
    expect(text.split('\n')).toHaveLength(honest.split('\n').length);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(text.isWellFormed()).toBe(true);
    const row = text.split('\n').find((line) => line.startsWith('| s1'))!;
    expect(row.match(/(?<!\\)\|/g)).toHaveLength(6);
    const fence = /\| s1 \| (`+)/.exec(row)![1]!;
    expect(row.match(new RegExp(`(?<!\`)${fence}(?!\`)`, 'g'))).toHaveLength(fence === '`' ? 4 : 2);
  });

  it('makes no markup, links or mentions of what programs say', () => {
    const message =
      '<script>alert(1)</script> [x](javascript:y) ![i](z) **b** `c` @admin https://evil www.evil\n# h';
    const text = renderProgress(aPlanView(), [
      aStepView({ state: 'blocked', reason: { code: 'x', message } }),
    ]);
    const line = text.split('\n').find((one) => one.startsWith('- **blocked**'))!;
    expect(line).toContain('&lt;script>');
    expect(line).toContain('\\[x\\](javascript:y)');
    expect(line).toContain('\\@admin');
    expect(line).not.toContain('https://');
    expect(line).not.toContain('www.');
    expect(text.split('\n').filter((one) => one.startsWith('#'))).toEqual([
      '# Plan `move to ESM`',
      '## Needs a person',
      '## Steps',
    ]);
  });

  it('stays short enough to read, however many steps and however long the reasons', () => {
    const steps = Array.from({ length: 5_000 }, (_, ordinal) => aStepView({ ordinal }));
    expect(renderProgress(aPlanView(), steps)).toContain('... and 4000 more.');
    const long = aStepView({ state: 'blocked', reason: { code: 'x', message: 'y'.repeat(8_000) } });
    expect(renderProgress(aPlanView(), [long]).length).toBeLessThan(2_000);
  });
});
