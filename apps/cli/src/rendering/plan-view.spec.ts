import type { PicturedStep } from '../watching/watched-plan.ts';
import { aDefinition, aPictured, aWatchedPlan, because, iso, SUBMITTED_MS } from '../testing/watched.ts';
import { renderPlan, type ViewFrame } from './plan-view.ts';
import { plainPaint, type Paint } from './terminal.ts';
import { displayWidth } from './width.ts';

function aFrame(change: Partial<ViewFrame> = {}): ViewFrame {
  return { columns: 100, rows: 20, nowMs: SUBMITTED_MS + 65_000, paint: plainPaint, ...change };
}

function linesOf(steps: PicturedStep[], change: Partial<ViewFrame> = {}): string[] {
  return renderPlan(aWatchedPlan(steps), aFrame(change)).split('\n');
}

/** `count` steps of one matrix, the first ordinal given. */
function aMatrix(count: number, from: number, change: (i: number) => Partial<PicturedStep> = () => ({})) {
  return Array.from({ length: count }, (_, i) =>
    aPictured(from + i, { name: `convert[src/${i}.js]`, ...change(i) }),
  );
}

describe('the live view', () => {
  it('shows the plan, how far it is, and a line for each step', () => {
    const steps = [
      aPictured(1, { name: 'survey', state: 'passed', startedAt: iso(0), endedAt: iso(4_000) }),
      aPictured(2, {
        name: 'reports',
        state: 'running',
        attempts: 1,
        reason: because('a check failed'),
        startedAt: iso(5_000),
      }),
      aPictured(3, { name: 'tidy', needs: ['survey', 'reports', 'fan'] }),
      aPictured(4, { name: 'soak', state: 'sleeping', notBefore: iso(7_865_000) }),
    ];
    const plan = aWatchedPlan(steps, { definition: aDefinition(['survey', 'reports', 'tidy', 'soak']) });
    expect(renderPlan(plan, aFrame()).split('\n')).toEqual([
      'move-to-esm  plan1  running  1 min 05 s',
      '  ██████░░░░░░░░░░░░░░░░░░ 1 of 4 done · 1 running · 1 sleeping · 1 waiting · about 2 h 10 min left',
      '  s1    passed    survey       4.0 s',
      '  s2    running   reports 1 min 00 s  attempt 2 of 3: a check failed',
      '  s3    waiting   tidy                needs reports (0 of 1 done), fan (its steps are not decided y…',
      '  s4    sleeping  soak                wakes in 2 h 10 min, at 2026-11-20T14:11:05Z',
    ]);
  });

  it('says what is left once steps of the kind have finished, and nothing before', () => {
    const running = { state: 'running' as const, startedAt: iso(60_000) };
    const fresh = linesOf([...aMatrix(1, 1, () => running), ...aMatrix(9, 2)]);
    expect(fresh[1]).not.toContain('left');
    const done = { state: 'passed' as const, startedAt: iso(0), endedAt: iso(30_000) };
    const [, known] = linesOf([
      ...aMatrix(1, 1, () => done),
      ...aMatrix(1, 2, () => running),
      ...aMatrix(8, 3),
    ]);
    expect(known).toMatch(/ · about 4 min left$/);
  });

  it('collapses a matrix of thousands, and shows what runs and what went wrong of it', () => {
    const steps = [
      aPictured(1, { name: 'survey', state: 'passed' }),
      ...aMatrix(5_000, 2, (i) => {
        if (i === 4_321) return { state: 'blocked', reason: because('3 tests failed'), endedAt: iso(1) };
        if (i > 2_000 && i < 2_004) return { state: 'running', startedAt: iso(1_000 * (2_010 - i)) };
        return i < 2_000 ? { state: 'passed' } : {};
      }),
      aPictured(5_002, { name: 'check', wait: 'needs convert' }),
    ];
    expect(linesOf(steps, { rows: 9, columns: 110 }).slice(1)).toEqual([
      '  ██████████░░░░░░░░░░░░░░ 2001 of 5002 done · 3 running · 2997 waiting · 1 blocked',
      '  s1    passed    survey',
      '        2000/5000 convert                            3 running · 2996 waiting · 1 blocked',
      '  s2003 running     convert[src/2001.js]     56.0 s',
      '  s2004 running     convert[src/2002.js]     57.0 s',
      '  s2005 running     convert[src/2003.js]     58.0 s',
      '  s4323 blocked     convert[src/4321.js]             3 tests failed',
      '  s5002 waiting   check                              needs convert',
    ]);
  });

  it('tells why a whole matrix does not go on', () => {
    const wait = 'no worker serves pool "heavy": start one';
    const lines = linesOf(
      aMatrix(500, 1, () => ({ wait })),
      { rows: 8 },
    );
    expect(lines[2]).toContain(`500 waiting: ${wait}`);
  });

  it('keeps to the terminal, whatever is in the plan and however small it is', () => {
    const hostile = [
      '\u001b[2J\u001b[31mowned',
      'a\nb\rc',
      '変換'.repeat(60),
      '🧵'.repeat(80),
      'x'.repeat(900),
    ];
    const steps = [
      ...hostile.map((name, i) =>
        aPictured(i + 1, { name: `${name}[${name}]`, state: 'running', startedAt: iso(0) }),
      ),
      ...hostile.map((text, i) => aPictured(i + 10, { state: 'blocked', reason: because(text) })),
      ...aMatrix(300, 30, (i) =>
        i % 7 === 0 ? { state: 'poisoned', reason: because('変換'.repeat(90)) } : {},
      ),
    ];
    for (const columns of [1, 9, 30, 60, 80, 200]) {
      for (const rows of [1, 2, 3, 4, 8, 24, 60]) {
        const text = renderPlan(
          aWatchedPlan(steps),
          aFrame({ columns, rows }),
          'cannot reach \u001b[31m'.repeat(9),
        );
        const lines = text.split('\n');
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
      }
    }
  });

  it('counts the steps of which no line tells', () => {
    const steps = Array.from({ length: 500 }, (_, i) => aPictured(i + 1));
    const lines = linesOf(steps, { rows: 12 });
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe('  … and 491 more steps');
  });

  it('has colours only from the terminal that it is painted for', () => {
    const painted: Paint = (style, text) => `<${style}>${text}</>`;
    const plan = aWatchedPlan([aPictured(1, { state: 'blocked', reason: because('no') })]);
    expect(renderPlan(plan, aFrame({ paint: painted }))).toContain('<red>blocked  </>');
    // eslint-disable-next-line no-control-regex -- colours are control sequences
    expect(renderPlan(plan, aFrame())).not.toMatch(/\u001b/);
  });

  it('says in the same place when the server is away', () => {
    expect(
      renderPlan(aWatchedPlan([aPictured(1)]), aFrame(), 'cannot reach x; trying again').split('\n')[2],
    ).toBe('cannot reach x; trying again');
  });

  it('never shows a full bar before the end, nor an empty one after the first step', () => {
    const bar = (done: number, all: number) =>
      linesOf(
        aMatrix(all, 1, (i) => (i < done ? { state: 'passed' } : {})),
        { rows: 5 },
      )[1]!.replace(/ of .*/, '');
    expect(bar(0, 1_000)).not.toContain('█');
    expect(bar(1, 1_000)).toContain('█');
    expect(bar(999, 1_000)).toContain('░');
    expect(bar(1_000, 1_000)).not.toContain('░');
  });
});
