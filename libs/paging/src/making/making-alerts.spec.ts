import type { NewPage, OpenIncident } from '../outbox.ts';
import { ALERTS_MAX, makeAlerts, type PlanAlert } from './making-alerts.ts';

const stuck = (planId: string): PlanAlert => ({ kind: 'plan.stuck', planId, message: 'a bug' });
const facts = { plan: () => ({ name: 'Migrate', tenant: 'local', haltedAt: null }), step: () => null };

/** The pages of one sink over time, as the outbox keeps them. */
class Told {
  readonly all: NewPage[] = [];

  hear(alerts: PlanAlert[], on: 'plan.stuck' | 'plan.halted' = 'plan.stuck'): string[] {
    const open: OpenIncident[] = this.all.filter((page) => page.open);
    const closedBefore = (incident: string) =>
      this.all.filter((page) => page.incident === incident && page.action === 'trigger' && !page.open).length;
    const o = { sink: 'ops', on: new Set([on]), fleet: 'prod', nowMs: 0 };
    const { pages, closed } = makeAlerts(alerts, { open, closedBefore, facts }, o);
    for (const page of this.all) if (closed.includes(page.incident)) page.open = false;
    this.all.push(...pages);
    return pages.map(({ action, planId }) => `${action} ${planId}`);
  }
}

describe('alerts', () => {
  it('are paged once while they last, and resolved when they are over, whoever decides by then', () => {
    const told = new Told();
    expect(told.hear([stuck('p1')])).toEqual(['trigger p1']);
    expect(told.hear([stuck('p1')])).toEqual([]);
    expect(told.hear([stuck('p1'), stuck('p2')])).toEqual(['trigger p2']);
    expect(told.hear([stuck('p2')])).toEqual(['resolve p1']);
    expect(told.hear([])).toEqual(['resolve p2']);
    expect(told.hear([])).toEqual([]);
  });

  it('that come back are news again, under ids of their own', () => {
    const told = new Told();
    for (const alerts of [[stuck('p1')], [], [stuck('p1')], []]) told.hear(alerts);
    expect(told.all.map(({ action }) => action)).toEqual(['trigger', 'resolve', 'trigger', 'resolve']);
    expect(new Set(told.all.map(({ id }) => id)).size).toBe(4);
    expect(new Set(told.all.map(({ incident }) => incident)).size).toBe(1);
  });

  it('have the same id for every replica that finds the same', () => {
    const [one, other] = [new Told(), new Told()];
    one.hear([stuck('p1')]);
    other.hear([stuck('p1')]);
    expect(one.all[0]!.id).toBe(other.all[0]!.id);
  });

  it('are told up to a number, the others as those are over, and none is said to be over that is not', () => {
    const told = new Told();
    const many = Array.from({ length: ALERTS_MAX + 50 }, (_, n) => stuck(`p${String(n).padStart(3, '0')}`));
    expect(told.hear(many)).toHaveLength(ALERTS_MAX);
    expect(told.hear(many.toReversed())).toEqual([]);
    expect(told.hear(many.slice(1))).toEqual(['resolve p000']);
    expect(told.hear(many.slice(1))).toEqual(['trigger p100']);
  });

  it('are told to nobody who does not want to hear of them', () => {
    expect(new Told().hear([stuck('p1')], 'plan.halted')).toEqual([]);
  });
});
