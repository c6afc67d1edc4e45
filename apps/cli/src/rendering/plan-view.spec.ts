import { planSummary, stepView, type StepView } from '../client/wire.ts';
import { formatDuration, renderFailures, renderOutcome, renderPlan } from './plan-view.ts';
import { ProgressLines } from './progress-lines.ts';
import { plainPaint } from './terminal.ts';

const plan = planSummary.parse({
  planId: 'p1',
  name: 'move\u001b[31m',
  status: 'running',
  submittedAt: '2026-01-01T00:00:00.000Z',
  counts: {
    waiting: 1,
    admitted: 0,
    running: 1,
    passed: 1,
    blocked: 0,
    poisoned: 0,
    cancelled: 0,
    skipped: 0,
  },
});
const frame = { columns: 100, rows: 20, nowMs: Date.parse('2026-01-01T00:01:05.000Z'), paint: plainPaint };

function aStep(ordinal: number, over: Partial<StepView> = {}): StepView {
  return stepView.parse({
    ordinal: `s${ordinal}`,
    name: `step ${ordinal}`,
    kind: 'run',
    state: 'waiting',
    ...over,
  });
}

describe('the live view', () => {
  it('shows the plan, its counts and a line per step, with hostile names made visible', () => {
    const text = renderPlan(plan, [aStep(1, { name: 'evil\nname', state: 'running' })], frame);
    expect(text).toContain('move\\x1b[31m p1  running  1 min 05 s');
    expect(text).toContain('1 running · 1 waiting · 1 passed');
    expect(text).toContain('evil\\nname');
    expect(text.split('\n')).toHaveLength(3);
  });

  it('keeps to the height of the terminal and shows what went wrong first', () => {
    const steps = Array.from({ length: 500 }, (_, i) => aStep(i + 1));
    steps[400] = aStep(401, { state: 'blocked', reason: { code: 'x', message: 'the checks fail' } });
    const text = renderPlan(plan, steps, { ...frame, rows: 12 });
    expect(text.split('\n').length).toBeLessThanOrEqual(12);
    expect(text).toContain('the checks fail');
    expect(text).toContain('more steps');
  });

  it('never prints a line that is wider than the terminal', () => {
    const long = aStep(1, {
      state: 'blocked',
      name: 'n'.repeat(300),
      reason: { code: 'x', message: 'm'.repeat(900) },
    });
    for (const columns of [60, 80, 200]) {
      const lines = renderPlan(plan, [long], { ...frame, columns }).split('\n');
      expect(Math.max(...lines.slice(2).map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
  });

  it('tells which attempt runs and what was wrong with the last one', () => {
    const again = aStep(1, {
      state: 'running',
      attempts: 1,
      reason: { code: 'x', message: 'a check failed' },
    });
    expect(renderPlan(plan, [again], frame)).toContain('attempt 2, a check failed');
  });

  it('tells how a plan ended', () => {
    const ended = planSummary.parse({
      ...plan,
      status: 'completed',
      integration: {
        branch: 'skein/x',
        sha: 'a'.repeat(40),
        state: 'published',
        diffstat: { files: 2, insertions: 3, deletions: 1 },
      },
    });
    expect(renderOutcome(ended, plainPaint)).toBe(
      [
        'plan p1 completed',
        '  branch skein/x at aaaaaaaaaaaa',
        '  2 files changed, 3 insertions(+), 1 deletions(-)',
      ].join('\n'),
    );
  });

  it('tells all of what failed, with nothing in it that steers a terminal', () => {
    const reason = { code: 'attempts-used-up', message: `${'why '.repeat(100)}\u001b[2J` };
    const lines = renderFailures([
      aStep(1, { state: 'blocked', name: 'a\nb', reason }),
      aStep(2, { state: 'waiting', reason }),
      aStep(3, { state: 'poisoned', reason: { code: 'leases-used-up', message: 'its workers died' } }),
    ]);
    expect(lines).toEqual([
      `  s1 a\\nb is blocked: ${'why '.repeat(100)}\\x1b[2J (attempts-used-up)`,
      expect.stringMatching(/^ {2}s3 .* is poisoned: its workers died \(leases-used-up\)$/),
    ]);
  });

  it('writes durations as people say them', () => {
    expect([5, 1_500, 65_000, 7_380_000].map(formatDuration)).toEqual([
      '5 ms',
      '1.5 s',
      '1 min 05 s',
      '2 h 03 min',
    ]);
  });
});

describe('progress lines', () => {
  it('tells each change once, and a rejected attempt too', () => {
    const lines = new ProgressLines(plainPaint);
    expect(lines.changes(plan, [aStep(1), aStep(2)])).toEqual([]);
    expect(lines.changes(plan, [aStep(1, { state: 'running' }), aStep(2)])).toEqual([
      '[  1/3] running   step 1',
    ]);
    expect(lines.changes(plan, [aStep(1, { state: 'running', attempts: 1 }), aStep(2)])).toEqual([
      '[  1/3] running   step 1  (attempt 1 was recorded)',
    ]);
    expect(lines.changes(plan, [aStep(1, { state: 'running', attempts: 1 }), aStep(2)])).toEqual([]);
  });
});
