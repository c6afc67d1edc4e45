import { PlanForks } from './plan-fork.ts';
import { PlanLimits } from './plan-limits.ts';
import type { PlanReader } from './plan-reader.ts';

describe('forks', () => {
  it('are made two at once: a third is told to come back, and is made when one of them is done', async () => {
    const waiting: ((error: Error) => void)[] = [];
    const events = () => new Promise((_resolve, reject) => waiting.push(reject));
    const forks = new PlanForks({ events } as unknown as PlanReader, new PlanLimits(1_000, 10));
    const of = (planId: string) => forks.of(planId, {});
    const made = [of('plan1'), of('plan2')].map((fork) => fork.catch(String));
    await expect(of('plan3')).rejects.toMatchObject({
      status: 429,
      code: 'fork-busy',
      o: { retryAfterS: 2 },
    });
    waiting[0]!(new Error('read no further'));
    expect(await made[0]).toContain('read no further');
    const next = of('plan3').catch(String);
    expect(waiting).toHaveLength(3);
    for (const end of waiting) end(new Error('over'));
    expect(await next).toContain('over');
    await made[1];
  });
});
