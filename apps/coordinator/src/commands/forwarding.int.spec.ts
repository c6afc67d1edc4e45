import { Announcer, DeciderClient, DeciderLocator, DeciderServer, connectBus, type Bus } from '#bus';
import { silentLogger } from '#telemetry';
import { freshNamespace, testServers } from '#testing';
import type { Elector } from '../deciding/elector.ts';
import { PlanCommands } from './plan-commands.ts';

describe('a replica that stands by', () => {
  it('says at once when the decider’s answer is too large for NATS, and what to do', async () => {
    const namespace = freshNamespace();
    const bus = (name: string): Promise<Bus> =>
      connectBus({ url: testServers().natsUrl, namespace, name, log: silentLogger });
    await using ours = await bus('standby');
    await using theirs = await bus('decider');
    const never = (): never => {
      throw new Error('nobody asks this');
    };
    const others = { claim: never, attempt: never, result: never, release: never, heartbeat: never };
    const command = (): object => ({ text: 'x'.repeat(9 * 2 ** 20) });
    await using served = new DeciderServer({ bus: theirs }).serve(1, { ...others, command });
    const current = { term: 1, decider: 'd', generation: 'g', pools: [], leaseMs: 10_000 };
    const announcer = new Announcer({ bus: theirs, announcement: () => current }).start();
    const locator = new DeciderLocator({ bus: ours }).start();
    const commands = new PlanCommands({
      elector: () => ({ current: null }) as Elector,
      client: new DeciderClient({ bus: ours, locator }),
      log: silentLogger,
      forwardTimeoutMs: 10_000,
    });
    const reply = await commands.execute({ kind: 'limits' }, null);
    expect(reply).toMatchObject({ status: 'unavailable', code: 'too-large-to-forward' });
    expect(reply).toMatchObject({ reason: expect.stringContaining('max_payload') as string });
    expect(served.inFlight).toBe(0);
    announcer.stop();
    locator.stop();
  });
});
