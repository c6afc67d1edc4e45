import { PlanTenants } from './plan-tenants.ts';
import type { ToldEvent } from './told-event.ts';

const KEPT_MAX = 10_000;

describe('whose a plan is', () => {
  function asking(): { of: (planId: string) => Promise<string | null>; asked: string[] } {
    const asked: string[] = [];
    const tenants = new PlanTenants({
      tenant: async (planId: string) => {
        asked.push(planId);
        return 'local';
      },
    });
    return { of: async (planId) => tenants.of({ planId, tenant: null } as unknown as ToldEvent), asked };
  }

  it('is asked once', async () => {
    const { of, asked } = asking();
    expect([await of('a'), await of('a')]).toEqual(['local', 'local']);
    expect(asked).toEqual(['a']);
  });

  it('is kept of so many plans only: of those that were asked for last', async () => {
    const { of, asked } = asking();
    for (let at = 0; at < KEPT_MAX; at += 1) await of(`p${at}`);
    await of('p0');
    await of('one-more');
    asked.length = 0;
    for (const planId of ['p0', 'p2', 'one-more', 'p1']) await of(planId);
    expect(asked).toEqual(['p1']);
  });
});
