import type { PicturedStep, ToldEvent } from '../watching/watched-plan.ts';
import { aDefinition, aPictured, aWatchedPlan, because, iso, told } from '../testing/watched.ts';
import { renderEvent } from './event-line.ts';
import { plainPaint } from './terminal.ts';

/** The lines that events make of a plan of these steps. */
function linesOf(steps: PicturedStep[], events: ToldEvent[]): string[] {
  const plan = aWatchedPlan(steps, { definition: aDefinition(['step-1', 'step-2']) });
  return events.flatMap((event) => {
    const change = plan.apply(event);
    const line = change && renderEvent(plan, event, change, plainPaint);
    return line === null ? [] : [line];
  });
}

const started = [
  told('step.admitted', { ordinal: 1, epoch: 1 }),
  told('lease.granted', { ordinal: 1, epoch: 1 }, 61_000),
];

describe('the lines of a plan that is watched without a terminal', () => {
  it('tell each change once, with its time and how far the plan is', () => {
    const passed = told('step.passed', { ordinal: 1, epoch: 1 }, 65_000);
    const rejected = told('attempt.finished', {
      ordinal: 1,
      epoch: 1,
      attempt: 1,
      verdict: 'rejected',
      durationMs: 2_500,
      reason: because('a check failed'),
    });
    const accepted = told('attempt.finished', {
      ordinal: 1,
      epoch: 1,
      attempt: 2,
      verdict: 'accepted',
      reason: because('ok'),
    });
    const events = [...started, ...started, rejected, rejected, accepted, passed, passed];
    expect(linesOf([aPictured(1), aPictured(2)], events)).toEqual([
      '2026-11-20T12:01:01Z     0/2 running   step-1',
      '2026-11-20T12:01:00Z     0/2 rejected  step-1  (attempt 1 of 3, 2.5 s, a check failed)',
      '2026-11-20T12:01:05Z     1/2 passed    step-1  (2 attempts, 4.0 s)',
    ]);
  });

  it('tell the first line of a reason: the rest of it is told at the end', () => {
    const reason = because('The check failed\nnpm error');
    const blocked = told('step.blocked', { ordinal: 1, epoch: 1, reason }, 65_000);
    expect(linesOf([aPictured(1), aPictured(2)], [...started, blocked]).at(-1)).toBe(
      '2026-11-20T12:01:05Z     0/2 blocked   step-1  (4.0 s, The check failed …)',
    );
  });

  it('tell why a step goes back, sleeps or ends badly', () => {
    const lost = told('lease.lost', {
      ordinal: 1,
      epoch: 1,
      reason: because('its worker died'),
      notBefore: null,
    });
    const asleep = told('wait.started', { ordinal: 2, until: iso(7_200_000) });
    const poisoned = told(
      'step.poisoned',
      { ordinal: 1, epoch: 1, reason: because('3 leases were lost') },
      71_000,
    );
    expect(linesOf([aPictured(1), aPictured(2)], [...started, lost, asleep, poisoned]).slice(1)).toEqual([
      '2026-11-20T12:01:00Z     0/2 waiting   step-1  (its worker died)',
      '2026-11-20T12:01:00Z     0/2 sleeping  step-2  (until 2026-11-20T14:00:00Z)',
      '2026-11-20T12:01:11Z     0/2 poisoned  step-1  (10.0 s, 3 leases were lost)',
    ]);
  });

  it('tell of fan-outs, of the integration and of the end', () => {
    const instance = (ordinal: number, name: string) => ({ ordinal, name, kind: 'run' }) as never;
    const events = [
      told('steps.expanded', { steps: [instance(3, 'step-2[a]'), instance(4, 'step-2[b]')] }),
      told('integration.accepted', { branch: 'skein/esm', commit: { sha: 'a'.repeat(40), ref: 'r' } }),
      told('integration.published', { branch: 'skein/esm', sha: 'a'.repeat(40) }),
      told('plan.completed', { reason: because('all steps passed') }),
    ];
    expect(linesOf([aPictured(1)], events).map((line) => line.slice(21))).toEqual([
      '    0/3 expanded  step-2  (2 steps)',
      '    0/3 accepted  branch skein/esm at aaaaaaaaaaaa',
      '    0/3 published branch skein/esm at aaaaaaaaaaaa',
      '    0/3 completed move-to-esm  (all steps passed)',
    ]);
  });

  it('stay lines, and harmless ones, whatever a plan says', () => {
    const evil = 'x\n\u001b[2J\u202e';
    const blocked = told('step.blocked', { ordinal: 1, epoch: 1, reason: because(evil) });
    const lines = linesOf([aPictured(1, { name: `step-1[${evil}]` })], [...started, blocked]);
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('say nothing of types that only a newer server knows', () => {
    expect(linesOf([aPictured(1)], [{ seq: 99, at: 'soon', type: 'plan.praised', data: {} }])).toEqual([]);
  });
});
