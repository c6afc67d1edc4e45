import { aPlan, aStep } from '#testing';
import { initialPlanState } from '../plan/state.ts';
import { evolve } from '../plan/evolve.ts';
import type { PlanEvent } from './events.ts';
import { EVENT_VERSION, EventTooNewError, upcast } from './upcast.ts';

/** As version 1 stored it: copied from a ledger of that time. */
const SUBMITTED_V1 = JSON.parse(
  String.raw`{
  "tenant": "local",
  "definition": {
    "version": 1, "name": "old", "repo": null, "maxParallel": null, "maxLeases": 3, "sandbox": "auto",
    "integrate": null,
    "steps": [{
      "name": "only", "needs": [], "pool": "default", "attempts": 3,
      "timeout": {"attemptMs": 600000, "idleMs": 120000}, "paths": {"write": null, "protect": []},
      "setup": [], "verify": [], "env": {}, "network": false, "outputs": [], "matrix": null,
      "work": {"kind": "run", "commands": ["echo 'EXPRESSION'"]}
    }]
  },
  "digest": "d", "idempotencyKey": "k", "by": {"name": "me", "via": "cli"}, "traceparent": null
}`.replace('EXPRESSION', '${{ x }}'),
) as Extract<PlanEvent, { type: 'plan.submitted' }>['data'];

describe('an event of an older version', () => {
  it('gets what that version did not know, so that today’s code can go on with it', () => {
    const event = upcast(1, { type: 'plan.submitted', data: SUBMITTED_V1 });
    const state = initialPlanState('p1');
    evolve(state, event, 0);
    const { definition } = state.submitted!;
    // Nothing is missing that a plan of today has.
    expect(Object.keys(definition).sort()).toEqual(Object.keys(aPlan()).sort());
    expect(Object.keys(definition.steps[0]!).sort()).toEqual(Object.keys(aStep()).sort());
    expect(definition.steps[0]!.work).toEqual({
      kind: 'run',
      // It was no expression then.
      commands: ["echo '$${{ x }}'"],
      script: null,
    });
  });

  it('of today’s version is left as it is', () => {
    const event: PlanEvent = { type: 'plan.submitted', data: SUBMITTED_V1 };
    expect(upcast(EVENT_VERSION, event)).toBe(event);
  });

  it('of a newer version is refused: what it means is not guessed', () => {
    const event: PlanEvent = { type: 'plan.submitted', data: SUBMITTED_V1 };
    expect(() => upcast(EVENT_VERSION + 1, event)).toThrow(EventTooNewError);
    expect(() => upcast(EVENT_VERSION + 1, event)).toThrow('read it with the version that wrote it');
  });
});
