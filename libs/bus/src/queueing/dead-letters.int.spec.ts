import { silentLogger } from '#telemetry';
import { freshNamespace, testServers } from '#testing';
import type { Bus } from '../connection/bus.ts';
import { connectBus } from '../connection/connect.ts';
import { DeadLetters } from './dead-letters.ts';

describe('DeadLetters', () => {
  const namespace = freshNamespace();
  let bus: Bus;
  let letters: DeadLetters;

  beforeAll(async () => {
    bus = await connectBus({ url: testServers().natsUrl, namespace, name: 'decider', log: silentLogger });
    letters = new DeadLetters({ bus, maxLetters: 5 });
  });

  afterAll(async () => {
    await bus.jsm.streams.delete(`${namespace}-dead`);
    await bus.close();
  });

  it('has none before the first', async () => {
    expect(await letters.list()).toEqual([]);
    expect(await letters.get('plan0001', 1)).toBeNull();
  });

  it('keeps a copy of a poisoned step, made once', async () => {
    await letters.publish('plan0001', 1, { reason: 'three leases lost' }, 'plan0001.1.3');
    await letters.publish('plan0001', 1, { reason: 'three leases lost' }, 'plan0001.1.3');
    await letters.ensure();
    expect(await letters.list()).toEqual([await letters.get('plan0001', 1)]);
    expect(await letters.get('plan0001', 1)).toMatchObject({
      seq: 1,
      planId: 'plan0001',
      ordinal: 1,
      payload: { reason: 'three leases lost' },
    });
  });

  it('drops the oldest above its bound, and lists in pages', async () => {
    for (let ordinal = 10; ordinal < 16; ordinal++) await letters.publish('plan0002', ordinal, {});
    const first = await letters.list({ limit: 2 });
    const rest = await letters.list({ afterSeq: first.at(-1)!.seq });
    expect([...first, ...rest].map(({ ordinal }) => ordinal)).toEqual([11, 12, 13, 14, 15]);
  });

  it('is made anew when JetStream lost it', async () => {
    await bus.jsm.streams.delete(`${namespace}-dead`);
    await letters.publish('plan0003', 1, {});
    expect(await letters.list()).toHaveLength(1);
  });
});
