import pg from 'pg';
import { EVENT_VERSION } from '#domain';
import { eventually } from '#testing';
import type { SinkSettings } from './sinks/sink.ts';
import type { PlanAlert } from './making/making-alerts.ts';
import { PagedFleet, goesOn, halted, poisoned } from './testing/paged-fleet.ts';
import { Receiver, type Received } from './testing/receiver.ts';
import { held } from './testing/schemas.ts';

const SECRET = 'a-secret-of-the-webhook';
const PLAN = 'plan00000001';

describe('a pager', () => {
  let fleet: PagedFleet;
  let receiver: Receiver;

  beforeEach(async () => {
    fleet = await PagedFleet.start();
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    await fleet.stop();
    await receiver.stop();
  });

  const webhook = (o: { name?: string; at?: Receiver; on?: SinkSettings['on'] } = {}): SinkSettings => ({
    name: o.name ?? 'audit',
    type: 'webhook',
    url: (o.at ?? receiver).url(),
    secrets: [SECRET],
    on: o.on ?? ['step.poisoned', 'plan.halted', 'plan.stuck', 'plan.unreadable'],
  });
  const idOf = ({ body }: Received) => held<{ id: string }>('webhook', body).id;
  const told = (all: readonly Received[]) =>
    all.map(({ body }) => {
      const { action, step, kind } = held<{
        action: string;
        kind: string;
        step: { ordinal: string; name: string } | null;
      }>('webhook', body);
      return step ? `${action} ${step.ordinal}` : `${action} ${kind}`;
    });
  const status = async (pager: ReturnType<PagedFleet['pager']>) => (await pager.statuses())[0]!;
  const settled = (pager: ReturnType<PagedFleet['pager']>, pages: number) =>
    eventually(async () => receiver.taken.length >= pages && (await status(pager)).waiting === 0, {
      what: `${pages} pages to be acknowledged`,
    });

  it('pages once, names what it is about, and never again what was acknowledged, whoever decides next', async () => {
    const first = fleet.pager([webhook()]);
    await fleet.seen(first);
    await fleet.submit(PLAN, 'Callbacks to promises');
    await fleet.append(PLAN, poisoned(3), halted);
    await settled(first, 2);
    expect(receiver.received.map(({ body }) => held('webhook', body))).toMatchObject([
      {
        kind: 'step.poisoned',
        plan: { id: PLAN, name: 'Callbacks to promises', tenant: 'local' },
        step: { ordinal: 's3', name: 'convert[3]' },
        reason: { code: 'leases-used-up' },
      },
      { kind: 'plan.halted', step: null },
    ]);
    await first.stop();
    const second = fleet.pager([webhook()]);
    await fleet.append(PLAN, goesOn);
    await settled(second, 3);
    expect(told(receiver.received)).toEqual(['trigger s3', 'trigger plan.halted', 'resolve plan.halted']);
  });

  it('reaches a sink that fails in every way, with the same page each time, not before it was asked to come back', async () => {
    const pager = fleet.pager([webhook()]);
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    receiver.next.push({ status: 500 }, 'reset', 'hang', { status: 429, headers: { 'retry-after': '1' } });
    await fleet.append(PLAN, poisoned(1));
    await settled(pager, 1);
    expect(receiver.received).toHaveLength(5);
    expect(new Set(receiver.received.map(idOf)).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(receiver.received[4]!.at - receiver.received[3]!.at).toBeGreaterThanOrEqual(990);
    expect(await status(pager)).toMatchObject({
      failures: 0,
      failingSince: null,
      lastError: 'answered 429',
      lastSuccessAt: expect.any(String),
    });
  });

  it('goes on where another one was stopped between failure and success', async () => {
    receiver.always = { status: 503, body: 'not now' };
    const first = fleet.pager([webhook()]);
    await fleet.seen(first);
    await fleet.submit(PLAN);
    await fleet.append(PLAN, poisoned(1));
    await eventually(async () => (await status(first)).failures >= 2, { what: 'two failures' });
    await first.stop();
    const before = receiver.received.length;
    receiver.always = { status: 200 };
    const second = fleet.pager([webhook()]);
    await settled(second, 1);
    expect(receiver.received.length).toBe(before + 1);
    expect(new Set(receiver.received.map(idOf)).size).toBe(1);
  });

  it('hands over a page that it was sending when it was stopped', async () => {
    receiver.next.push('hang');
    const first = fleet.pager([webhook()], { timeoutMs: 60_000 });
    await fleet.seen(first);
    await fleet.submit(PLAN);
    await fleet.append(PLAN, poisoned(1));
    await eventually(() => receiver.received.length === 1, { what: 'the page to be on its way' });
    const startedAt = performance.now();
    await first.stop();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    const second = fleet.pager([webhook()], { timeoutMs: 60_000 });
    await settled(second, 1);
    expect(new Set(receiver.received.map(idOf)).size).toBe(1);
  });

  it('shares the work with one that does not know yet that it was deposed: nothing is lost, nothing sent twice', async () => {
    // Long enough for the other one to come by.
    receiver.always = { status: 200, afterMs: 60 };
    const both = [fleet.pager([webhook()]), fleet.pager([webhook()])];
    await fleet.seen(both[0]!);
    for (let n = 0; n < 10; n++) {
      await fleet.submit(`plan0000000${n}`);
      await fleet.append(`plan0000000${n}`, poisoned(1), halted);
    }
    await settled(both[1]!, 20);
    expect(receiver.received).toHaveLength(20);
    expect(new Set(receiver.received.map(idOf)).size).toBe(20);
  });

  it('pages nobody while another replica decides, and everything when it decides itself', async () => {
    let active = false;
    let asked = 0;
    const pager = fleet.pager([webhook()], {
      active: () => {
        asked += 1;
        return active;
      },
    });
    const other = fleet.pager([webhook()]);
    await fleet.seen(other);
    await other.stop();
    await fleet.submit(PLAN);
    await fleet.append(PLAN, poisoned(1));
    const before = asked;
    await eventually(() => asked >= before + 3, { what: 'the standby to have had its chances' });
    expect(receiver.received).toEqual([]);
    active = true;
    await settled(pager, 1);
  });

  it('keeps a sink that hangs from holding up the others', async () => {
    await using dead = await Receiver.start();
    dead.always = 'hang';
    const pager = fleet.pager([webhook({ name: 'dead', at: dead }), webhook({ name: 'well' })], {
      timeoutMs: 60_000,
    });
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    for (let n = 0; n < 5; n++) {
      const startedAt = performance.now();
      await fleet.append(PLAN, poisoned(n));
      await eventually(() => receiver.taken.length === n + 1, { what: 'the well sink to be paged' });
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    }
    expect(dead.received).toHaveLength(1);
    const [slow, quick] = await eventually(
      async () => {
        const statuses = await pager.statuses();
        return statuses[1]!.waiting === 0 ? statuses : null;
      },
      { what: 'the well sink to have everything' },
    );
    expect(slow).toMatchObject({ name: 'dead', lastSuccessAt: null });
    expect(slow!.waiting).toBeGreaterThan(0);
    expect(quick).toMatchObject({ name: 'well', failingSince: null });
  });

  it('begins with what happens after a sink was set, and goes on where it stood when it is set again', async () => {
    await fleet.submit(PLAN);
    await fleet.append(PLAN, poisoned(1));
    const first = fleet.pager([webhook()]);
    await fleet.seen(first);
    await fleet.append(PLAN, poisoned(2));
    await settled(first, 1);
    await first.stop();
    await fleet.append(PLAN, poisoned(3));
    await settled(fleet.pager([webhook()]), 2);
    expect(told(receiver.received)).toEqual(['trigger s2', 'trigger s3']);
  });

  it('lets only so many pages wait, and loses none of those that come later', async () => {
    receiver.always = { status: 500 };
    const pager = fleet.pager([webhook()], { limits: { waitingMax: 3 } });
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    for (let n = 0; n < 8; n++) await fleet.append(PLAN, poisoned(n));
    await eventually(async () => (await status(pager)).failures > 3, { what: 'some failures' });
    expect((await status(pager)).waiting).toBe(3);
    receiver.always = { status: 200 };
    await settled(pager, 8);
    expect(new Set(told(receiver.taken))).toEqual(
      new Set(Array.from({ length: 8 }, (_, n) => `trigger s${n}`)),
    );
  });

  it('delivers an end after its beginning, however often that fails', async () => {
    receiver.next.push({ status: 500 }, { status: 500 }, { status: 500 });
    const pager = fleet.pager([webhook()]);
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    await fleet.append(PLAN, halted, goesOn);
    await settled(pager, 2);
    expect(told(receiver.taken)).toEqual(['trigger plan.halted', 'resolve plan.halted']);
  });

  it('says in a fork’s name that a plan which halted goes on', async () => {
    const pager = fleet.pager([webhook()]);
    await fleet.seen(pager);
    await fleet.submit(PLAN, 'Migrate');
    await fleet.append(PLAN, poisoned(4), halted);
    await settled(pager, 2);
    await fleet.submit('plan0000fork', 'Migrate again', PLAN);
    await settled(pager, 4);
    expect(told(receiver.taken)).toEqual([
      'trigger s4',
      'trigger plan.halted',
      'resolve s4',
      'resolve plan.halted',
    ]);
    expect(held('webhook', receiver.taken[2]!.body)).toMatchObject({
      plan: { id: PLAN, name: 'Migrate' },
      step: { ordinal: 's4', name: 'convert[4]' },
      reason: { message: 'forked as plan0000fork by ada' },
    });
  });

  it('passes a page that its sink cannot take, and gives it up in the end, for everybody to see', async () => {
    const bad = 'plan00000bad';
    receiver.always = ({ body }) =>
      body.includes(bad) ? { status: 422, body: 'bad page' } : { status: 200 };
    const pager = fleet.pager([webhook()], { limits: { tryForMs: 3_000 } });
    await fleet.seen(pager);
    await fleet.submit(bad);
    await fleet.submit(PLAN);
    await fleet.append(bad, halted, goesOn);
    for (let n = 0; n < 5; n++) await fleet.append(PLAN, poisoned(n));
    await eventually(() => receiver.taken.length === 5, { what: 'the other pages' });
    const good = await eventually(
      async () => {
        const now = await status(pager);
        return now.waiting <= 2 ? now : null;
      },
      { what: 'them to be acknowledged' },
    );
    expect(good).toMatchObject({ givenUp: 0, waiting: 2 });
    await eventually(async () => (await status(pager)).givenUp >= 1, { what: 'the page to be given up' });
    expect(await status(pager)).toMatchObject({ lastError: 'answered 422: bad page' });
    expect(fleet.logged).toContainEqual({
      level: 'error',
      fields: expect.objectContaining({ alert: 'page-given-up', sink: 'audit' }),
      message: expect.any(String),
    });
  });

  it('says that a sink fails, and never a secret', async () => {
    receiver.always = { status: 401, body: `who is ${SECRET}?` };
    const pager = fleet.pager([webhook()]);
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    await fleet.append(PLAN, poisoned(1));
    await eventually(async () => (await status(pager)).failures >= 2, { what: 'two failures' });
    expect(await status(pager)).toMatchObject({
      name: 'audit',
      type: 'webhook',
      place: `http://127.0.0.1:${receiver.port}`,
      waiting: 1,
      failingSince: expect.any(String),
      lastError: 'answered 401: who is [redacted]?',
      lastSuccessAt: null,
    });
    expect(fleet.logged).toContainEqual({
      level: 'warn',
      fields: expect.objectContaining({ alert: 'sink-failing', sink: 'audit', planId: PLAN }),
      message: expect.any(String),
    });
    expect(JSON.stringify([fleet.logged, await pager.statuses()])).not.toMatch(/a-secret|\/pages/);
  });

  it('lets a test page that arrives end the waiting of all others', async () => {
    receiver.always = { status: 500 };
    const patient = { limits: { backoff: { firstMs: 60_000, maxMs: 60_000 } } };
    const pager = fleet.pager([webhook()], patient);
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    await fleet.append(PLAN, poisoned(1));
    await eventually(async () => (await status(pager)).failures === 1, { what: 'a failure' });
    expect(await pager.test('audit')).toMatchObject({ delivered: false, status: 500, error: 'answered 500' });
    receiver.always = { status: 200 };
    expect(await pager.test('audit')).toMatchObject({ delivered: true, status: 200, error: null });
    await settled(pager, 2);
    expect(await pager.test('nobody')).toBeNull();
  });

  it('tests a sink once at a time', async () => {
    receiver.always = 'hang';
    const pager = fleet.pager([webhook()]);
    const first = pager.test('audit');
    expect(await pager.test('audit')).toBe('busy');
    expect(await first).toMatchObject({ delivered: false, status: null });
    expect(receiver.received).toHaveLength(1);
  });

  it('pages an alert once while it lasts, over take-overs, and resolves it when it is over', async () => {
    const stuck: PlanAlert[] = [{ kind: 'plan.stuck', planId: PLAN, message: 'a bug' }];
    await fleet.submit(PLAN);
    const first = fleet.pager([webhook()]);
    await fleet.seen(first);
    first.tellAlerts(stuck);
    await settled(first, 1);
    await first.stop();
    const second = fleet.pager([webhook()]);
    // Not known yet is not over.
    second.tellAlerts(null);
    await fleet.append(PLAN, poisoned(1));
    await settled(second, 2);
    second.tellAlerts([...stuck]);
    await fleet.append(PLAN, poisoned(2));
    await settled(second, 3);
    second.tellAlerts([]);
    await settled(second, 4);
    second.tellAlerts(stuck);
    await settled(second, 5);
    expect(told(receiver.received)).toEqual([
      'trigger plan.stuck',
      'trigger s1',
      'trigger s2',
      'resolve plan.stuck',
      'trigger plan.stuck',
    ]);
    expect(new Set(receiver.received.map(idOf)).size).toBe(5);
  });

  it('goes on when the ledger was away', async () => {
    const pager = fleet.pager([webhook()]);
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    await cutConnections(fleet.fresh.adminUrl);
    await eventually(() => fleet.append(PLAN, poisoned(1)).then(() => true), {
      what: 'the ledger to be back',
    });
    await settled(pager, 1);
  });

  it('leaves to a newer coordinator what only that one may know, and says so', async () => {
    const pager = fleet.pager([webhook()]);
    await fleet.seen(pager);
    await fleet.submit(PLAN);
    // Its term goes on here, as that of a decider does that has not noticed yet.
    const newer = `UPDATE skein.term SET event_version = ${EVENT_VERSION + 1}`;
    await asAdmin(fleet.fresh.adminUrl, newer);
    await fleet.append(PLAN, poisoned(1));
    await eventually(() => fleet.logged.some(({ message }) => message.startsWith('A newer coordinator')), {
      what: 'the log to say so',
    });
    expect(receiver.received).toEqual([]);
    await asAdmin(fleet.fresh.adminUrl, `UPDATE skein.term SET event_version = ${EVENT_VERSION}`);
    await settled(pager, 1);
  });

  it('forgets what was settled long ago, and still does not page it again', async () => {
    let nowMs = Date.now();
    const now = () => nowMs;
    const first = fleet.pager([webhook()], { now });
    await fleet.seen(first);
    await fleet.submit(PLAN);
    await fleet.append(PLAN, halted, goesOn);
    await settled(first, 2);
    await first.stop();
    nowMs += 31 * 86_400_000;
    const second = fleet.pager([webhook()], { now });
    const rows = () => fleet.database.read<{ id: string }>(null, 'SELECT id FROM skein.pages');
    await eventually(async () => (await rows()).length === 0, { what: 'the pages to be forgotten' });
    await second.stop();
    expect(receiver.received).toHaveLength(2);
  });
});

function cutConnections(adminUrl: string): Promise<void> {
  return asAdmin(
    adminUrl,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
}

async function asAdmin(adminUrl: string, sql: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(sql);
  await admin.end();
}
