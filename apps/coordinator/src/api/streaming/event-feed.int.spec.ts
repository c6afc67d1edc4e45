import type { PlanEvent } from '#domain';
import {
  EMPTY_HEAD,
  EventPages,
  LedgerDatabase,
  PostgresLedger,
  PostgresTerms,
  TAIL_START,
  formatCursor,
  migrate,
  type Append,
  type Head,
} from '#ledger';
import { silentLogger } from '#telemetry';
import { eventually, freshDatabase, type FreshDatabase } from '#testing';
import type { FrameStream } from './client-stream.ts';
import { EventFeed, type EventFeedOptions } from './event-feed.ts';
import { FleetStream, type EventFilter } from './fleet-stream.ts';
import { PlanStream } from './plan-stream.ts';
import { PlanTenants } from './plan-tenants.ts';

const EVERYTHING: EventFilter = { plans: null, types: null, tenant: null };

describe('the feed of event streams on a real ledger', () => {
  let database: FreshDatabase;
  let rows: LedgerDatabase;
  let ledger: PostgresLedger;
  let pages: CountingPages;
  let term: number;
  let readers: Reader[] = [];
  let feeds: EventFeed[] = [];
  const heads = new Map<string, Head>();

  beforeEach(async () => {
    database = await freshDatabase();
    const { runtimeUrl } = await migrate({ adminUrl: database.adminUrl, log: silentLogger });
    rows = new LedgerDatabase({ url: runtimeUrl, log: silentLogger });
    ledger = new PostgresLedger(rows);
    term = (await new PostgresTerms(rows).campaign('a'))!.term;
    pages = new CountingPages(rows);
    heads.clear();
  });
  afterEach(async () => {
    for (const reader of readers) reader.stop();
    await Promise.all(readers.map((reader) => reader.over));
    for (const feed of feeds) await feed.stop();
    readers = [];
    feeds = [];
    await rows?.close();
    await database?.drop();
  });

  function feed(o: Partial<EventFeedOptions> = {}): EventFeed {
    const one = new EventFeed({ pages, log: silentLogger, pollMs: 20, ...o });
    feeds.push(one);
    return one;
  }

  function read(stream: FrameStream): Reader {
    const reader = new Reader(stream);
    readers.push(reader);
    return reader;
  }

  const ofPlan = (from: EventFeed, planId: string, seq = 0) => read(new PlanStream(from, planId, seq));
  const ofAll = (from: EventFeed, filter: Partial<EventFilter> = {}, cursor = TAIL_START) =>
    read(new FleetStream(from, new PlanTenants(pages), { ...EVERYTHING, ...filter }, cursor));

  /** `count` events for each plan, all in one commit. */
  async function append(planIds: string[], count = 1, event?: PlanEvent): Promise<void> {
    const appends = planIds.map((planId): Append => {
      const expected = heads.get(planId) ?? EMPTY_HEAD;
      const events = Array.from({ length: count }, (): PlanEvent => event ?? aFact(planId));
      return { planId, expected, at: '2026-11-20T12:00:00.000Z', traceparent: null, events };
    });
    for (const result of await ledger.appendAll(term, appends)) {
      if (result.status === 'conflict') throw new Error('a test that conflicts with itself');
      heads.set(result.planId, result.head);
    }
  }

  const closed = (planId: string) => append([planId], 1, { type: 'plan.closed', data: {} });

  it('tells each event of a plan once, those from before and those that come, and the end', async () => {
    await append(['plan0001'], 3);
    const one = feed();
    const reader = ofPlan(one, 'plan0001');
    await reader.has(3);
    for (let round = 0; round < 20; round++) await append(['plan0001', 'plan0002'], 2);
    await closed('plan0001');
    await reader.over;
    expect(reader.seqs('plan0001')).toEqual(Array.from({ length: 44 }, (_, index) => index + 1));
    expect(reader.frames.at(-1)).toMatch(/^event: end\nid: 44\n/);
    expect(reader.events).toHaveLength(44);
  });

  it('tells the events of all plans from any cursor on, without a hole and without a repetition', async () => {
    const one = feed();
    const whole = ofAll(one);
    for (let round = 0; round < 10; round++) await append(['plan0001', 'plan0002', 'plan0003'], 3);
    await whole.has(90);
    for (const from of [0, 1, 44, 89]) {
      const rest = ofAll(one, {}, cursorOf(whole.events[from]!.id));
      await append(['plan0004']);
      const expected = () => whole.events.slice(from + 1).map(({ id }) => id);
      await eventually(() => rest.events.length === expected().length, { what: 'the rest' });
      expect(rest.events.map(({ id }) => id)).toEqual(expected());
    }
  });

  it('tells who falls behind its window what it missed, from the ledger', async () => {
    const one = feed({ window: { events: 5, bytes: 1_000_000 } });
    const slow = ofPlan(one, 'plan0001');
    const other = ofAll(one);
    await append(['plan0001']);
    await Promise.all([slow.has(1), other.has(1)]);
    slow.hold();
    other.hold();
    for (let round = 0; round < 10; round++) await append(['plan0001', 'plan0002'], 3);
    await ofAll(one).has(61);
    slow.release();
    other.release();
    await Promise.all([slow.has(31), other.has(61)]);
    expect(slow.seqs('plan0001')).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
    expect(new Set(other.events.map(({ id }) => id)).size).toBe(61);
  });

  it('begins each stream with where it stands, and a heartbeat moves it over what its filter leaves out', async () => {
    const one = feed();
    const reader = ofAll(one, { types: new Set(['plan.closed']) });
    await eventually(() => reader.frames.length > 0, { what: 'the first frame' });
    expect(reader.frames).toEqual(['id: 0-0\n\n']);
    await append(['plan0001'], 5);
    const end = formatCursor(await pages.end());
    await eventually(() => reader.stream.heartbeat() === `: alive\nid: ${end}\n\n`, { what: 'the move' });
    expect(reader.events).toEqual([]);
  });

  it('filters by plan, type and tenant', async () => {
    const one = feed();
    for (const [planId, tenant] of [
      ['plan0001', 'red'],
      ['plan0002', 'blue'],
    ]) {
      const data = { tenant, definition: {} } as never;
      await append([planId!], 1, { type: 'plan.submitted', data });
    }
    await append(['plan0001', 'plan0002'], 2);
    await closed('plan0002');
    const told = async (filter: Partial<EventFilter>, count: number) => {
      const reader = ofAll(one, filter);
      await reader.has(count);
      return reader.events.map(({ planId, seq }) => `${planId} ${seq}`);
    };
    expect(await told({ plans: new Set(['plan0002']) }, 4)).toHaveLength(4);
    expect(await told({ types: new Set(['plan.closed', 'plan.submitted']) }, 3)).toEqual([
      'plan0001 1',
      'plan0002 1',
      'plan0002 4',
    ]);
    expect(await told({ tenant: 'red' }, 3)).toEqual(['plan0001 1', 'plan0001 2', 'plan0001 3']);
    const both = { tenant: 'blue', types: new Set(['integration.published']) };
    expect(await told(both, 2)).toEqual(['plan0002 2', 'plan0002 3']);
    // Of a plan whose beginning it never saw, the ledger knows the tenant.
    const late = read(
      new FleetStream(one, new PlanTenants(pages), { ...EVERYTHING, tenant: 'red' }, await pages.end()),
    );
    await append(['plan0001', 'plan0002']);
    await late.has(1);
    expect(late.events).toMatchObject([{ planId: 'plan0001', seq: 4 }]);
  });

  it('reads the tail once for 200 streams', async () => {
    const one = feed({ pollMs: 10_000 });
    const plans = Array.from({ length: 20 }, (_, index) => `plan${1_000 + index}`);
    await append(plans);
    const many = [
      ...Array.from({ length: 180 }, (_, index) => ofPlan(one, plans[index % plans.length]!)),
      ...Array.from({ length: 20 }, () => ofAll(one, {})),
    ];
    await Promise.all(many.map((reader) => reader.has(1)));
    await pages.rest();
    const before = pages.reads;
    for (let round = 0; round < 10; round++) {
      await append(plans, 10);
      one.nudge();
    }
    await Promise.all(many.map((reader) => reader.has(reader.stream instanceof PlanStream ? 101 : 2_020)));
    // One look at the tail for each nudge, some of them empty; nothing for the streams themselves.
    expect(pages.reads - before).toBeLessThan(40);
  });

  it('reads nothing while nobody follows', async () => {
    const one = feed({ pollMs: 1 });
    const reader = ofPlan(one, 'plan0001');
    await append(['plan0001']);
    await reader.has(1);
    reader.stop();
    await reader.over;
    await pages.rest();
    // And begins anew with the next one.
    await append(['plan0001']);
    const next = ofPlan(one, 'plan0001', 1);
    await append(['plan0001']);
    await next.has(2);
    expect(next.seqs('plan0001')).toEqual([2, 3]);
  });

  it('goes on when the ledger was away', async () => {
    const one = feed();
    const reader = ofPlan(one, 'plan0001');
    await append(['plan0001']);
    await reader.has(1);
    pages.broken = true;
    await append(['plan0001']);
    await eventually(() => pages.failures > 0, { what: 'a failure' });
    pages.broken = false;
    await reader.has(2);
    expect(reader.seqs('plan0001')).toEqual([1, 2]);
  });

  it('ends every stream when it stops', async () => {
    const one = feed();
    const both = [ofPlan(one, 'plan0001'), ofAll(one)];
    await append(['plan0001']);
    await Promise.all(both.map((reader) => reader.has(1)));
    await one.stop();
    await Promise.all(both.map((reader) => reader.over));
  });
});

function aFact(branch: string): PlanEvent {
  return { type: 'integration.published', data: { branch, sha: 'a' } };
}

function cursorOf(id: string) {
  const [tx = '', position = ''] = id.split('-');
  return { tx, position: BigInt(position) };
}

/** The real pages, counted, and broken when the spec wants it. */
class CountingPages extends EventPages {
  reads = 0;
  failures = 0;
  broken = false;

  override async ofPlan(...args: Parameters<EventPages['ofPlan']>) {
    this.count();
    return super.ofPlan(...args);
  }

  override async ofAll(...args: Parameters<EventPages['ofAll']>) {
    this.count();
    return super.ofAll(...args);
  }

  /** Until nothing is read any more. */
  async rest(): Promise<void> {
    let before = -1;
    let looks = 0;
    const rested = () => {
      looks = this.reads === before ? looks + 1 : 0;
      before = this.reads;
      return looks === 5;
    };
    await eventually(rested, { what: 'the reading to end', everyMs: 50 });
  }

  private count(): void {
    this.reads += 1;
    if (!this.broken) return;
    this.failures += 1;
    throw new Error('the ledger is away');
  }
}

interface Told {
  id: string;
  planId: string;
  seq: number;
}

/** Reads a stream as a client would, and may stop taking for a while. */
class Reader {
  readonly frames: string[] = [];
  readonly events: Told[] = [];
  readonly over: Promise<void>;
  private readonly stopping = new AbortController();
  private held: Promise<void> | null = null;
  release: () => void = () => undefined;

  constructor(readonly stream: FrameStream) {
    this.over = this.read();
  }

  stop(): void {
    this.release();
    this.stopping.abort();
  }

  hold(): void {
    this.held = new Promise((resolve) => (this.release = resolve));
  }

  seqs(planId: string): number[] {
    return this.events.filter((event) => event.planId === planId).map(({ seq }) => seq);
  }

  async has(count: number): Promise<void> {
    await eventually(() => this.events.length >= count, { what: `${count} events`, everyMs: 5 });
  }

  private async read(): Promise<void> {
    for await (const frames of this.stream.frames(this.stopping.signal)) {
      for (const frame of frames.match(/[^]*?\n\n/g) ?? []) {
        this.frames.push(frame);
        const match = /^id: (\S+)\ndata: (.*)\n\n$/.exec(frame);
        if (match?.[1] && match[2]) {
          this.events.push({ id: match[1], ...(JSON.parse(match[2]) as Omit<Told, 'id'>) });
        }
      }
      if (this.held) await this.held;
    }
  }
}
