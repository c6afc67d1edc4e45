import type { Announcement, ClaimMessage, DeciderReply } from '#contracts';
import { silentLogger } from '#telemetry';
import { eventually, freshNamespace, testServers } from '#testing';
import type { Bus } from '../connection/bus.ts';
import { connectBus } from '../connection/connect.ts';
import { Announcer } from '../deciding/announcer.ts';
import {
  type DeciderHandlers,
  DeciderServer,
  type DeciderServerOptions,
} from '../deciding/decider-server.ts';
import { AnswerTooLargeError, MessageTooLargeError } from '../errors.ts';
import { DeciderClient } from './decider-client.ts';
import { DeciderLocator } from './decider-locator.ts';

const APPLIED: DeciderReply = { status: 'applied', next: 'continue' };
const FOREVER = new AbortController().signal;

function aClaim(ordinal = 1): ClaimMessage {
  return { lease: { planId: 'plan0001', ordinal, epoch: 1, worker: 'w1', token: '0'.repeat(32) } };
}

function handlers(o: Partial<DeciderHandlers> = {}): DeciderHandlers {
  const apply = () => APPLIED;
  const heartbeat = () => ({ term: 1, leaseMs: 10_000, lost: [] });
  return {
    claim: apply,
    attempt: apply,
    result: apply,
    release: apply,
    heartbeat,
    command: () => null,
    ...o,
  };
}

describe('requests to the decider', () => {
  let namespace: string;
  let buses: Bus[];
  let client: DeciderClient;
  let locator: DeciderLocator;
  let stops: (() => unknown)[];

  beforeEach(async () => {
    namespace = freshNamespace();
    buses = [];
    stops = [];
    const bus = await aBus('worker');
    locator = new DeciderLocator({ bus }).start();
    stops.push(() => locator.stop());
    client = new DeciderClient({ bus, locator, maxDelayMs: 200 });
  });

  afterEach(async () => {
    for (const stop of stops) await stop();
    for (const bus of buses) await bus.close();
  });

  async function aBus(name: string): Promise<Bus> {
    const bus = await connectBus({ url: testServers().natsUrl, namespace, name, log: silentLogger });
    buses.push(bus);
    return bus;
  }

  /** A decider on a connection of its own; `die` is what kill -9 looks like from outside. */
  async function aDecider(
    term: number,
    own: Partial<DeciderHandlers> = {},
    o: Partial<DeciderServerOptions> = {},
  ) {
    const bus = await aBus(`decider-${term}`);
    const served = new DeciderServer({ bus, ...o }).serve(term, handlers(own));
    const current: Announcement = {
      term,
      decider: `d${term}`,
      generation: 'g1',
      pools: ['default'],
      leaseMs: 10_000,
    };
    const announcer = new Announcer({ bus, announcement: () => current }).start();
    stops.push(() => announcer.stop());
    const die = async (): Promise<void> => {
      announcer.stop();
      await bus.close();
    };
    return { bus, served, announcer, current, die };
  }

  it('a request is kept until a decider comes up', async () => {
    const answer = client.request('claim', aClaim(), FOREVER);
    const claims: ClaimMessage[] = [];
    await aDecider(1, {
      claim: (message) => {
        claims.push(message);
        return APPLIED;
      },
    });
    await expect(answer).resolves.toEqual(APPLIED);
    expect(claims).toEqual([aClaim()]);
  });

  it('a request that the first decider took with it is answered by the decider of the next term', async () => {
    let taken = 0;
    const first = await aDecider(1, {
      claim: () => {
        taken++;
        return new Promise(() => undefined);
      },
    });
    const answer = client.request('claim', aClaim(), FOREVER);
    await eventually(() => taken === 1);
    await first.die();
    const startedAt = performance.now();
    await aDecider(2, { claim: () => ({ status: 'applied', next: 'stop' }) });
    await expect(answer).resolves.toEqual({ status: 'applied', next: 'stop' });
    // It did not wait out the first decider's timeout of 5 s.
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it('a deposed decider that still announces itself is not believed', async () => {
    const old = await aDecider(1, { claim: () => ({ status: 'refused', reason: 'deposed' }) });
    await aDecider(2);
    await eventually(() => locator.current?.term === 2);
    old.announcer.announceNow();
    await old.bus.nc.flush();
    await expect(client.request('claim', aClaim(), FOREVER)).resolves.toEqual(APPLIED);
    expect(locator.current?.term).toBe(2);
  });

  it('a lower term is believed after the known decider has been silent: the ledger was replaced', async () => {
    let nowMs = 0;
    const clock = { nowMs: () => nowMs, dateMs: () => nowMs, schedule: () => () => undefined };
    const patient = new DeciderLocator({ bus: buses[0]!, clock }).start();
    stops.push(() => patient.stop());
    const high = await aDecider(9);
    await eventually(() => patient.current?.term === 9);
    await high.die();
    const low = await aDecider(1);
    nowMs = 9_000;
    low.announcer.announceNow();
    await low.bus.nc.flush();
    await buses[0]!.nc.flush();
    expect(patient.current?.term).toBe(9);
    nowMs = 11_000;
    low.announcer.announceNow();
    await eventually(() => patient.current?.term === 1);
  });

  it('a failing handler makes the sender repeat, with the same message', async () => {
    const seen: ClaimMessage[] = [];
    await aDecider(1, {
      claim: (message) => {
        seen.push(message);
        if (seen.length < 3) throw new Error('ledger away');
        return APPLIED;
      },
    });
    await expect(client.request('claim', aClaim(), FOREVER)).resolves.toEqual(APPLIED);
    expect(seen).toEqual([aClaim(), aClaim(), aClaim()]);
  });

  it('a decider takes a bounded number of requests at once, heartbeats excepted, and all are answered in the end', async () => {
    let running = 0;
    let most = 0;
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    await aDecider(
      1,
      {
        claim: async () => {
          most = Math.max(most, ++running);
          await gate;
          running--;
          return APPLIED;
        },
      },
      { maxInFlight: 3 },
    );
    await locator.whenKnown(FOREVER);
    const answers = Array.from({ length: 20 }, (_, i) => client.request('claim', aClaim(i), FOREVER));
    await eventually(() => running === 3);
    const heartbeat = { worker: 'w1', pools: [], slots: 1, draining: false, leases: [] };
    expect(await client.heartbeat(heartbeat, 2_000)).toMatchObject({ term: 1 });
    open();
    await expect(Promise.all(answers)).resolves.toHaveLength(20);
    expect(most).toBe(3);
  });

  it('a malformed message is refused and reaches no handler', async () => {
    await aDecider(1, { claim: () => Promise.reject(new Error('reached')) });
    await locator.whenKnown(FOREVER);
    const bad = { lease: { ...aClaim().lease, epoch: 'x' } } as never;
    expect(await client.request('claim', bad, FOREVER)).toMatchObject({ status: 'refused' });
    const notJson = await buses[0]!.nc.request(buses[0]!.subjects.decider(1, 'claim'), 'nonsense');
    expect(notJson.json()).toMatchObject({ status: 'refused' });
    const unknown = await buses[0]!.nc.request(`${namespace}.decider.1.nonsense`, '{}');
    expect(unknown.json()).toMatchObject({ status: 'refused' });
  });

  it('carries the trace context, and commands of any shape', async () => {
    const traces: (string | null)[] = [];
    await aDecider(1, {
      command: (message, meta) => {
        traces.push(meta.traceparent);
        return message === 'ping' ? null : { heard: message };
      },
    });
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    expect(await client.request('command', { cancel: 'plan0001' }, FOREVER, { traceparent })).toEqual({
      heard: { cancel: 'plan0001' },
    });
    expect(await client.request('command', 'ping', FOREVER)).toBeNull();
    expect(traces).toEqual([traceparent, null]);
  });

  it('a request ends with the reason of its signal', async () => {
    const controller = new AbortController();
    const answer = client.request('claim', aClaim(), controller.signal);
    controller.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    await expect(client.request('claim', aClaim(), controller.signal)).rejects.toThrow('enough');
  });

  it('a request ends when the bus is closed: nobody could hear the answer', async () => {
    const answer = client.request('claim', aClaim(), FOREVER);
    const rejected = expect(answer).rejects.toMatchObject({ code: 'bus-unavailable' });
    await buses[0]!.close();
    await rejected;
  });

  it('a heartbeat is sent once: without a decider it is simply not answered', async () => {
    const heartbeat = { worker: 'w1', pools: [], slots: 1, draining: false, leases: [] };
    expect(await client.heartbeat(heartbeat, 100)).toBeNull();
  });

  it('a message above the server’s limit is never sent', async () => {
    await aDecider(1);
    const huge = { text: 'x'.repeat(9 * 2 ** 20) };
    await expect(client.request('command', huge, FOREVER)).rejects.toBeInstanceOf(MessageTooLargeError);
  });

  it('an answer above the server’s limit is said to be so, once, instead of being asked for for ever', async () => {
    let asked = 0;
    const decider = await aDecider(1, {
      command: () => {
        asked++;
        return { text: 'x'.repeat(9 * 2 ** 20) };
      },
    });
    const answer = client.request('command', { kind: 'limits' }, AbortSignal.timeout(10_000));
    await expect(answer).rejects.toBeInstanceOf(AnswerTooLargeError);
    await expect(answer).rejects.toMatchObject({ code: 'answer-too-large', limitBytes: 8 * 2 ** 20 });
    expect([asked, decider.served.inFlight, decider.bus.connected]).toEqual([1, 0, true]);
  });

  it('a heartbeat whose answer is too large was not answered', async () => {
    await aDecider(1, {
      heartbeat: () => ({ term: 1, leaseMs: 10_000, lost: Array(9 * 2 ** 20).fill(0) as never }),
    });
    await locator.whenKnown(FOREVER);
    const heartbeat = { worker: 'w1', pools: [], slots: 1, draining: false, leases: [] };
    expect(await client.heartbeat(heartbeat, 5_000)).toBeNull();
  });

  it('a decider that stops answers what it has taken, and is then silent', async () => {
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const decider = await aDecider(1, { claim: () => gate.then(() => APPLIED) });
    const answer = client.request('claim', aClaim(), FOREVER);
    await eventually(() => decider.served.inFlight === 1);
    const stopped = decider.served.stop();
    open();
    await stopped;
    await expect(answer).resolves.toEqual(APPLIED);
    const next = AbortSignal.timeout(300);
    await expect(client.request('claim', aClaim(), next)).rejects.toThrow();
  });
});
