import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '#testing';
import type { StepView } from '#client';
import { aPictured, aWatchedPlan } from '../testing/watched.ts';
import { WaitReader } from './wait-reader.ts';
import type { WatchedPlan } from './watched-plan.ts';

function reading(plan: WatchedPlan, steps: () => Promise<StepView[]>) {
  let told = 0;
  let asked = 0;
  const stop = new AbortController();
  const source = {
    steps: () => {
      asked += 1;
      return steps();
    },
  };
  const reader = new WaitReader(source, plan, () => (told += 1));
  const ended = reader.run(stop.signal);
  const end = async () => {
    stop.abort();
    await ended;
  };
  return { reader, end, asked: () => asked, told: () => told };
}

describe('reading why steps wait', () => {
  it('asks soon after the plan has become quiet, and then leaves it alone', async () => {
    const plan = aWatchedPlan([aPictured(1)]);
    const waits = reading(plan, async () => [aPictured(1, { wait: 'no worker' })] as StepView[]);
    await eventually(() => waits.told() === 1);
    expect(plan.step('s1')!.wait).toBe('no worker');
    await delay(1_500);
    expect(waits.asked()).toBe(1);
    await waits.end();
  });

  it('does not ask a server often that takes long to answer', async () => {
    const plan = aWatchedPlan([aPictured(1)]);
    const waits = reading(plan, async () => {
      await delay(200);
      return [];
    });
    await eventually(() => waits.told() === 1);
    waits.reader.changed();
    // Twenty times as long as the answer took: four seconds.
    await delay(2_500);
    expect(waits.asked()).toBe(1);
    await waits.end();
  });

  it('does not ask while nothing waits', async () => {
    const plan = aWatchedPlan([aPictured(1, { state: 'running' }), aPictured(2, { state: 'passed' })]);
    const waits = reading(plan, async () => []);
    waits.reader.changed();
    await delay(2_000);
    expect(waits.asked()).toBe(0);
    await waits.end();
  });

  it('asks again when the server did not answer', async () => {
    const plan = aWatchedPlan([aPictured(1)]);
    let tries = 0;
    const waits = reading(plan, async () => {
      tries += 1;
      if (tries === 1) throw new Error('away');
      return [];
    });
    await eventually(() => waits.told() === 1);
    expect(tries).toBe(2);
    await waits.end();
  });
});
