import { EventEmitter } from 'node:events';
import { ConnectionError } from '#client';
import { eventually, TerminalScreen } from '#testing';
import type { Terminal } from '../rendering/terminal.ts';
import { displayWidth } from '../rendering/width.ts';
import { aPictured, aWatchedPlan, because, told } from '../testing/watched.ts';
import { JsonView } from './json-view.ts';
import { LineView } from './line-view.ts';
import { LiveView } from './live-view.ts';

function aTerminal(size = { columns: 80, rows: 10 }) {
  const out: string[] = [];
  const err: string[] = [];
  const screen = new TerminalScreen({ ...size, widthOf: displayWidth });
  const stdout = Object.assign(new EventEmitter(), size, { write: (text: string) => screen.write(text) });
  const terminal: Terminal = {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    paint: (_style, text) => text,
    isTty: true,
    columns: () => stdout.columns,
    rows: () => stdout.rows,
    stdout: stdout as never,
  };
  return { terminal, out, err, screen, stdout };
}

const granted = told('lease.granted', { ordinal: 1, epoch: 1 });

describe('the view for programs', () => {
  it('tells each event as the stream does, and nothing else on stdout', () => {
    const { terminal, out, err } = aTerminal();
    const view = new JsonView(terminal);
    view.begin({ planId: 'plan1' });
    view.event({ seq: 3, at: '2026-11-20T12:00:00.000Z', type: 'plan.new', data: { a: '\u009b' } });
    view.lost(new ConnectionError('http://x/v1/plans/plan1/events', 'refused'));
    view.lost(new Error('away'));
    view.back();
    view.log.lines(aWatchedPlan([aPictured(1)]).step('s1')!, 2, ['a "line"']);
    expect(out).toEqual([
      '{"planId":"plan1","seq":3,"at":"2026-11-20T12:00:00.000Z","type":"plan.new","data":{"a":"\\u009b"}}',
      '{"type":"log","ordinal":"s1","name":"step-1","attempt":2,"line":"a \\"line\\""}',
    ]);
    expect(err).toEqual(['lost the server: refused; trying again', 'the server is back']);
  });
});

describe('the view for pipes', () => {
  it('begins with how the plan is, and tells each wait from outside once', () => {
    const { terminal, out } = aTerminal();
    const plan = aWatchedPlan([
      aPictured(1, { state: 'passed' }),
      aPictured(2, { needs: ['step-1'] }),
      aPictured(3, { needs: ['step-1'] }),
      aPictured(4, { needs: ['step-3'] }),
    ]);
    const view = new LineView(terminal);
    view.begin(plan);
    const wait = 'no worker serves pool "x\u001b"';
    plan.setWaits(
      new Map([
        ['s2', wait],
        ['s3', wait],
        ['s4', 'needs step-3 (0 of 1 done)'],
      ]),
    );
    plan.apply(told('lease.granted', { ordinal: 4, epoch: 1 }));
    view.waits();
    expect(out).toHaveLength(1);
    plan.apply(told('lease.lost', { ordinal: 4, epoch: 1, reason: because('died'), notBefore: null }));
    view.waits();
    view.waits();
    expect(out.map((line) => line.slice(21))).toEqual([
      '    1/4 running   move-to-esm  (3 waiting · 1 passed)',
      '    1/4 waiting   2 steps  (no worker serves pool "x\\x1b")',
    ]);
  });

  it('says once that the server is away, and once that it is back', () => {
    const { terminal, err } = aTerminal();
    const view = new LineView(terminal);
    view.begin(aWatchedPlan([]));
    view.back();
    view.lost(new Error('it broke off'));
    view.lost(new Error('it broke off'));
    view.back();
    expect(err.map((line) => line.slice(21))).toEqual([
      'lost the server: it broke off; trying again',
      'the server is back',
    ]);
  });
});

describe('the view for terminals', () => {
  it('shows events soon, not one by one, and the last of them before it ends', async () => {
    const { terminal, screen } = aTerminal();
    const plan = aWatchedPlan([aPictured(1)]);
    const view = new LiveView(terminal, null);
    view.begin(plan);
    expect(screen.text()[2]).toMatch(/s1 +waiting/);
    plan.apply(told('step.admitted', { ordinal: 1, epoch: 1 }));
    plan.apply(granted);
    view.event();
    expect(screen.text()[2]).toMatch(/s1 +waiting/);
    await eventually(() => /s1 +running/.test(screen.text()[2]!));
    plan.apply(told('step.passed', { ordinal: 1, epoch: 1 }));
    view.event();
    view.done();
    expect(screen.text()[2]).toMatch(/s1 +passed/);
    expect(screen.isCursorShown).toBe(true);
  });

  it('says while the server is away, and that it is back', () => {
    const { terminal, screen } = aTerminal();
    const view = new LiveView(terminal, null);
    view.begin(aWatchedPlan([aPictured(1)]));
    view.back();
    expect(screen.text().join('\n')).not.toContain('back');
    view.lost(new Error('it broke off'));
    expect(screen.text()[2]).toBe('lost the server: it broke off; trying again');
    view.back();
    expect(screen.text()[2]).toBe('the server is back');
    view.done();
  });

  it('draws itself anew when the terminal is resized', () => {
    const { terminal, stdout, screen } = aTerminal();
    const view = new LiveView(terminal, null);
    view.begin(aWatchedPlan(Array.from({ length: 30 }, (_, i) => aPictured(i))));
    expect(screen.text()).toHaveLength(9);
    stdout.rows = 5;
    stdout.emit('resize');
    expect(screen.text()).toHaveLength(4);
    view.done();
    expect(stdout.listenerCount('resize')).toBe(0);
  });

  it('shows the log of a followed step above a small frame, harmless and line by line', () => {
    const { terminal, screen } = aTerminal();
    const plan = aWatchedPlan([aPictured(1, { state: 'running', attempts: 1 }), aPictured(2)]);
    const view = new LiveView(terminal, 's1');
    view.begin(plan);
    view.log.attempt(plan.step('s1')!, 2, false);
    view.log.lines(plan.step('s1')!, 2, ['\u001b[31mred\u001b[2J', '\tindented']);
    view.log.note('the log is lost');
    view.done();
    expect(screen.text()).toEqual([
      'step-1, attempt 2',
      '  │ \\x1b[31mred\\x1b[2J',
      '  │   indented',
      'the log is lost',
      expect.stringContaining('move-to-esm'),
      expect.stringContaining('0 of 2 done'),
      expect.stringMatching(/s1 +running +step-1 .*attempt 2/),
      '',
    ]);
  });

  it('keeps its frame when the plan ends, with what went wrong', () => {
    const { terminal, screen } = aTerminal();
    const plan = aWatchedPlan([aPictured(1, { state: 'running', epoch: 1 })]);
    const view = new LiveView(terminal, null);
    view.begin(plan);
    plan.apply(told('step.blocked', { ordinal: 1, epoch: 1, reason: because('3 tests failed') }));
    view.done();
    expect(screen.text()[2]).toContain('3 tests failed');
  });
});
