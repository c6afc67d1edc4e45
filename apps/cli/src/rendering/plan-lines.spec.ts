import { newStep, type WatchedStep } from '../watching/watched-step.ts';
import { chooseLines } from './plan-lines.ts';

function aStep(ordinal: number, name: string, change: Partial<WatchedStep> = {}): WatchedStep {
  return Object.assign(newStep({ ordinal: `s${ordinal}`, name, kind: 'run' }, null), change);
}

function named(lines: ReturnType<typeof chooseLines>['lines']): string[] {
  return lines.map((line) =>
    line.kind === 'group' ? `(${line.name})` : `${line.indented ? '  ' : ''}${line.step.name}`,
  );
}

describe('choosing the lines of a plan', () => {
  it('shows all steps in their order when they fit', () => {
    const steps = [aStep(1, 'a'), aStep(2, 'b[1]'), aStep(3, 'b[2]')];
    expect(named(chooseLines(steps, 3).lines)).toEqual(['a', 'b[1]', 'b[2]']);
  });

  it('shows nothing where there is no room', () => {
    expect(chooseLines([aStep(1, 'a')], 0)).toEqual({ lines: [], hidden: 0 });
  });

  it('gives half of the room to what went wrong last, and the other half to what runs longest', () => {
    const steps = [
      ...Array.from({ length: 50 }, (_, i) =>
        aStep(i, `m[bad${i}]`, { state: 'blocked', endedMs: 1_000 + i }),
      ),
      ...Array.from({ length: 50 }, (_, i) =>
        aStep(100 + i, `m[run${i}]`, { state: 'running', startedMs: 9_000 - i }),
      ),
    ];
    expect(named(chooseLines(steps, 5).lines)).toEqual([
      '(m)',
      '  m[bad48]',
      '  m[bad49]',
      '  m[run48]',
      '  m[run49]',
    ]);
    expect(chooseLines(steps, 5).hidden).toBe(0);
  });

  it('puts steps that a fan-out added late below their group', () => {
    const steps = [
      ...Array.from({ length: 5 }, (_, i) => aStep(i, `m[${i}]`)),
      aStep(6, 'after', { state: 'running' }),
      aStep(7, 'm[late]', { state: 'running' }),
    ];
    expect(named(chooseLines(steps, 5).lines)).toEqual(['(m)', '  m[late]', 'after']);
  });

  it('prefers groups in which something happens to those that are done', () => {
    const steps = ['a', 'b', 'c', 'd'].flatMap((group) =>
      Array.from({ length: 10 }, (_, i) =>
        aStep(i, `${group}[${i}]`, group === 'd' ? { state: 'running' } : { state: 'passed', endedMs: 1 }),
      ),
    );
    const { lines, hidden } = chooseLines(steps, 5);
    expect(named(lines).slice(0, 2)).toEqual(['(a)', '(d)']);
    expect(hidden).toBe(20);
  });

  it('shows of single steps what sleeps and what comes next rather than what is done', () => {
    const steps = [
      aStep(1, 'done', { state: 'passed' }),
      aStep(2, 'asleep', { state: 'sleeping' }),
      aStep(3, 'next'),
      aStep(4, 'later'),
    ];
    expect(named(chooseLines(steps, 3).lines)).toEqual(['asleep', 'next']);
  });
});
