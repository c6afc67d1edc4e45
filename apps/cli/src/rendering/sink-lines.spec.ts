import type { SinkView } from '#client';
import { sinkLines, sinkTestLine } from './sink-lines.ts';

const NOW = Date.parse('2026-11-20T12:00:00.000Z');
const plain = { nowMs: NOW, paint: (_style: string, text: string) => text };

function aSink(change: Partial<SinkView> = {}): SinkView {
  return {
    name: 'ops',
    type: 'pagerduty',
    place: 'https://events.pagerduty.com',
    on: ['step.poisoned', 'plan.halted'],
    waiting: 0,
    failures: 0,
    failingSince: null,
    lastSuccessAt: null,
    lastErrorAt: null,
    lastError: null,
    givenUp: 0,
    ...change,
  };
}

describe('a sink, in lines', () => {
  it('that is well says when it was paged last', () => {
    expect(sinkLines(aSink({ lastSuccessAt: '2026-11-20T11:58:00.000Z' }), plain)).toEqual([
      'ops  pagerduty at https://events.pagerduty.com: well, last paged 2 min 00 s ago',
      '    paged about step.poisoned, plan.halted',
    ]);
    expect(sinkLines(aSink(), plain)[0]).toContain('was never paged');
  });

  it('that fails says for how long, why, and how many wait', () => {
    const failing = {
      failingSince: '2026-11-20T11:59:30.000Z',
      lastError: 'answered 500',
      waiting: 1,
      givenUp: 2,
    };
    expect(sinkLines(aSink(failing), plain).slice(0, 3)).toEqual([
      'ops  pagerduty at https://events.pagerduty.com: failing for 30.0 s, 1 page waiting',
      '    answered 500',
      '    2 pages given up: nobody was told',
    ]);
  });

  it('cannot steer the terminal with what it answered', () => {
    const lines = sinkLines(
      aSink({ failingSince: '2026-11-20T11:59:30.000Z', lastError: '\u001b[2J' }),
      plain,
    );
    expect(lines.join('\n')).not.toContain('\u001b');
  });

  it('says what became of a test page', () => {
    const delivered = { delivered: true, status: 202, error: null, durationMs: 150 };
    expect(sinkTestLine('ops', delivered)).toBe('ops took a test page (202) after 150 ms');
    const refused = { delivered: false, status: 403, error: 'answered 403: no_service', durationMs: 150 };
    expect(sinkTestLine('ops', refused)).toBe('ops did not take a test page: answered 403: no_service');
  });
});
