import type { Announcement, DeciderReply, HeartbeatMessage, HeartbeatReply, LeaseKey } from '#contracts';
import { silentLogger } from '#telemetry';
import { LeaseLostError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { LeaseKeeper } from './lease-keeper.ts';

const LEASE_MS = 12_000;

class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; task: () => void }[] = [];

  nowMs(): number {
    return this.#now;
  }

  dateMs(): number {
    return this.#now;
  }

  schedule(delayMs: number, task: () => void): () => void {
    const timer = { at: this.#now + delayMs, task };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  /** Runs what is due, in order, and lets promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = due.at;
      due.task();
      await settle();
    }
    this.#now = until;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A decider whose answers the test chooses; `null` is silence. */
class FakeDecider {
  heartbeats: HeartbeatMessage[] = [];
  claims: LeaseKey[] = [];
  claimReply: (() => Promise<DeciderReply>) | DeciderReply = { status: 'applied', next: 'continue' };
  /** How long an answer is on its way. */
  delay: () => Promise<void> = async () => undefined;
  answer: (message: HeartbeatMessage) => HeartbeatReply | null = () => ({
    term: 1,
    leaseMs: LEASE_MS,
    lost: [],
  });
  #listeners = new Set<(now: Announcement, before: Announcement | null) => void>();
  current: Announcement = { term: 1, decider: 'd', generation: 'g', pools: ['default'], leaseMs: LEASE_MS };

  onChange(listener: (now: Announcement, before: Announcement | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  takeOver(leaseMs = LEASE_MS): void {
    const before = this.current;
    this.current = { ...before, term: before.term + 1, leaseMs };
    for (const listener of this.#listeners) listener(this.current, before);
  }

  request(_verb: string, message: unknown): Promise<never> {
    this.claims.push((message as { lease: LeaseKey }).lease);
    return (
      typeof this.claimReply === 'function' ? this.claimReply() : Promise.resolve(this.claimReply)
    ) as never;
  }

  async heartbeat(message: HeartbeatMessage): Promise<HeartbeatReply | null> {
    this.heartbeats.push(message);
    await this.delay();
    return this.answer(message);
  }
}

function aLease(ordinal = 1, epoch = 1): LeaseKey {
  return { planId: 'plan0001', ordinal, epoch, worker: 'w1', token: '0'.repeat(32) };
}

describe('LeaseKeeper', () => {
  let clock: FakeClock;
  let decider: FakeDecider;
  let keeper: LeaseKeeper;
  let acks: number;
  const context = { working: () => void acks++ };

  beforeEach(() => {
    acks = 0;
    clock = new FakeClock();
    decider = new FakeDecider();
    keeper = new LeaseKeeper({
      worker: 'w1',
      pools: ['default'],
      slots: 4,
      draining: () => false,
      client: decider as never,
      locator: decider,
      log: silentLogger,
      clock,
    }).start();
  });

  afterEach(() => keeper.stop());

  it('tells the decider of an idle worker, three times per lease', async () => {
    await clock.advance(LEASE_MS);
    expect(decider.heartbeats).toHaveLength(4);
    expect(decider.heartbeats[0]).toEqual({
      worker: 'w1',
      pools: ['default'],
      slots: 4,
      draining: false,
      leases: [],
    });
  });

  it('keeps a lease for as long as heartbeats are answered, and renews the ack deadline with each', async () => {
    const lease = keeper.hold(aLease(), context);
    await expect(lease.claimed).resolves.toBe(true);
    await clock.advance(10 * LEASE_MS);
    expect(lease.signal.aborted).toBe(false);
    expect(decider.claims).toEqual([aLease()]);
    expect(decider.heartbeats.at(-1)?.leases).toEqual([
      { planId: 'plan0001', ordinal: 1, epoch: 1, token: '0'.repeat(32) },
    ]);
    expect(acks).toBe(30);
  });

  it('aborts a lease one lease time after the sending of the last answered heartbeat', async () => {
    const lease = keeper.hold(aLease(), context);
    await clock.advance(LEASE_MS / 3);
    decider.answer = () => null;
    await clock.advance(LEASE_MS - 1);
    expect(lease.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(lease.signal.reason).toMatchObject({
      how: 'deadline',
      lease: { planId: 'plan0001', ordinal: 1, epoch: 1 },
    });
    expect(keeper.leases).toEqual([]);
  });

  it('counts from the sending of a heartbeat, not from its answer', async () => {
    const lease = keeper.hold(aLease(), context);
    await clock.advance(1);
    decider.delay = () => new Promise((resolve) => clock.schedule(LEASE_MS / 2, resolve));
    await clock.advance(LEASE_MS / 3 + LEASE_MS / 2);
    // Sent at a third, answered at five sixths of a lease; from now on silence.
    decider.answer = () => null;
    await clock.advance(LEASE_MS / 2 - 10);
    expect(lease.signal.aborted).toBe(false);
    await clock.advance(10);
    expect(lease.signal.reason).toMatchObject({ how: 'deadline' });
  });

  it('tries more often while heartbeats stay unanswered, and the lease survives a short silence', async () => {
    const lease = keeper.hold(aLease(), context);
    await clock.advance(LEASE_MS / 3);
    decider.answer = () => null;
    const before = decider.heartbeats.length;
    await clock.advance(LEASE_MS * 0.9);
    expect(decider.heartbeats.length - before).toBeGreaterThanOrEqual(6);
    decider.answer = () => ({ term: 1, leaseMs: LEASE_MS, lost: [] });
    await clock.advance(2 * LEASE_MS);
    expect(lease.signal.aborted).toBe(false);
  });

  it('aborts the lease that the decider calls lost, and only that one', async () => {
    const lost = keeper.hold(aLease(1), context);
    const kept = keeper.hold(aLease(2), context);
    decider.answer = ({ leases }) => ({
      term: 1,
      leaseMs: LEASE_MS,
      lost: leases
        .filter(({ ordinal }) => ordinal === 1)
        .map((lease) => ({ ...lease, reason: 'given to w2' })),
    });
    await clock.advance(LEASE_MS / 3);
    expect(lost.signal.reason).toMatchObject({ how: 'told', reason: 'given to w2' });
    expect(kept.signal.aborted).toBe(false);
  });

  it('takes a lease that the decider is unsure of for neither lost nor confirmed', async () => {
    const unsure = keeper.hold(aLease(1), context);
    const kept = keeper.hold(aLease(2), context);
    decider.answer = ({ leases }) => ({
      term: 1,
      leaseMs: LEASE_MS,
      lost: [],
      unsure: leases.filter(({ ordinal }) => ordinal === 1),
    });
    await clock.advance(LEASE_MS - 1);
    expect(unsure.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(unsure.signal.reason).toMatchObject({ how: 'deadline' });
    expect(kept.signal.aborted).toBe(false);
  });

  it('aborts a lease whose claim came too late', async () => {
    decider.claimReply = { status: 'lost', reason: 'claimed by w2' };
    const lease = keeper.hold(aLease(), context);
    await expect(lease.claimed).resolves.toBe(false);
    expect(lease.signal.reason).toMatchObject({ how: 'told', reason: 'claimed by w2' });
  });

  it('does not name a lease in heartbeats before its claim is answered, and fences it meanwhile', async () => {
    decider.claimReply = () => new Promise(() => undefined);
    const lease = keeper.hold(aLease(), context);
    await clock.advance(LEASE_MS - 1);
    expect(decider.heartbeats.every(({ leases }) => leases.length === 0)).toBe(true);
    expect(lease.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(lease.signal.reason).toMatchObject({ how: 'deadline' });
  });

  it('aborts a lease on the signal of the decider', () => {
    const lease = keeper.hold(aLease(), context);
    const signal = {
      kind: 'abort',
      planId: 'plan0001',
      ordinal: 1,
      epoch: 1,
      reason: 'plan cancelled',
    } as const;
    expect(keeper.onSignal({ ...signal, epoch: 2 })).toBe(false);
    expect(keeper.onSignal(signal)).toBe(true);
    expect(lease.signal.reason).toMatchObject({ how: 'signal', reason: 'plan cancelled' });
  });

  it('forgets a released lease without aborting it', async () => {
    const lease = keeper.hold(aLease(), context);
    await clock.advance(1);
    lease.release();
    decider.answer = () => null;
    await clock.advance(2 * LEASE_MS);
    expect(lease.signal.aborted).toBe(false);
    expect(keeper.leases).toEqual([]);
  });

  it('leaves a lease with its first holder when the broker delivers its job twice', async () => {
    const first = keeper.hold(aLease(), context);
    const second = keeper.hold({ ...aLease(), token: '1'.repeat(32) }, context);
    expect(second.signal.reason).toBeInstanceOf(LeaseLostError);
    await expect(second.claimed).resolves.toBe(false);
    second.release();
    await clock.advance(2 * LEASE_MS);
    expect(first.signal.aborted).toBe(false);
    expect(decider.claims).toEqual([aLease()]);
  });

  it('makes itself known to a new decider at once', async () => {
    await clock.advance(1);
    const before = decider.heartbeats.length;
    decider.takeOver();
    await clock.advance(0);
    expect(decider.heartbeats.length).toBe(before + 1);
  });

  it('fences by the shorter lease of a new decider, also what it holds already', async () => {
    const lease = keeper.hold(aLease(), context);
    await clock.advance(LEASE_MS / 3);
    decider.answer = () => null;
    decider.takeOver(LEASE_MS / 4);
    await clock.advance(LEASE_MS / 4 - 1);
    expect(lease.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(lease.signal.reason).toMatchObject({ how: 'deadline' });
  });

  it('keeps its leases when a decider refuses a heartbeat, until their time is up', async () => {
    const lease = keeper.hold(aLease(), context);
    decider.answer = () => ({ status: 'refused', reason: 'malformed' }) as never;
    await clock.advance(LEASE_MS - 1);
    expect(lease.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(lease.signal.reason).toMatchObject({ how: 'deadline' });
  });
});
