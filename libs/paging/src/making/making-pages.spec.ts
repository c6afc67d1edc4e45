import type { PlanEvent } from '#domain';
import { PlanIncidents } from '../incidents.ts';
import type { Batch, Facts, NewPage } from '../outbox.ts';
import { ALERT_KINDS, PAGE_KINDS, type PageContent, type PageKind } from '../page.ts';
import { NEWS_MAX_MS, PAGED_TYPES, STEP_INCIDENTS_MAX, makePages } from './making-pages.ts';

const PLAN = '3b6f0a2c9d1e4f5a6b7c';
const NOW = Date.parse('2026-11-20T12:00:00.000Z');
const by = { name: 'ada', via: 'cli' };
const reason = { code: 'c', message: 'because' };
const incidents = new PlanIncidents('prod', PLAN);

const poisoned = (ordinal: number): PlanEvent => ({
  type: 'step.poisoned',
  data: { ordinal, epoch: 3, reason },
});
const blocked = (ordinal: number): PlanEvent => ({
  type: 'step.blocked',
  data: { ordinal, epoch: 1, reason },
});
const skipped = (ordinal: number): PlanEvent => ({
  type: 'step.skipped',
  data: { ordinal, epoch: 0, reason },
});
const reopened = (ordinal: number): PlanEvent => ({
  type: 'step.reopened',
  data: { ordinal, by, why: 'a new key', attempts: 3, note: null },
});
const halted: PlanEvent = { type: 'plan.halted', data: { reason, steps: [1] } };
const goesOn: PlanEvent = { type: 'plan.reopened', data: { by, why: null } };
const completed: PlanEvent = { type: 'plan.completed', data: { reason } };
const cancelled: PlanEvent = { type: 'plan.cancelled', data: { by, why: null } };
const paused: PlanEvent = { type: 'plan.paused', data: { by, why: 'lunch' } };

const known: Facts = {
  plan: () => ({ name: 'Migrate', tenant: 'local', haltedAt: null }),
  step: (_planId, ordinal) => ({ name: `convert[${ordinal}]`, kind: 'agent' }),
};

interface Given {
  on?: readonly PageKind[];
  open?: Batch['open'];
  ageMs?: number;
  facts?: Facts;
  waiting?: number;
  waitingMax?: number;
}

function made(events: PlanEvent[], o: Given = {}) {
  const at = new Date(NOW - (o.ageMs ?? 1_000)).toISOString();
  const batch: Batch = {
    events: events.map((event, index) => ({ planId: PLAN, seq: 10 + index, at, event })),
    facts: o.facts ?? known,
    open: o.open ?? [],
    waiting: o.waiting ?? 0,
  };
  return makePages(batch, {
    sink: 'ops',
    on: new Set(o.on ?? PAGE_KINDS),
    fleet: 'prod',
    nowMs: NOW,
    waitingMax: o.waitingMax ?? 1_000,
  });
}

const said = ({ action, kind, incident }: NewPage) =>
  `${action} ${kind} ${incident.slice(`skein/prod/${PLAN}/`.length)}`;
const contentOf = (page: NewPage | undefined) => JSON.parse(page!.content) as PageContent;
const openIncident = (incident: string, kind = 'step.poisoned') => {
  const ordinal = Number(/\/s(\d+)$/.exec(incident)?.[1] ?? NaN);
  const step = Number.isNaN(ordinal) ? null : { ordinal, name: `convert[${ordinal}]` };
  const content = JSON.stringify({ at: '', plan: { name: 'Migrate', tenant: 'local' }, step, reason });
  return { planId: PLAN, incident, kind, content };
};

describe('what is paged', () => {
  it('names plan and step as people call them, and says why', () => {
    const { pages } = made([poisoned(17)]);
    expect(pages.map(said)).toEqual(['trigger step.poisoned s17']);
    expect(contentOf(pages[0])).toEqual({
      at: new Date(NOW - 1_000).toISOString(),
      plan: { name: 'Migrate', tenant: 'local' },
      step: { ordinal: 17, name: 'convert[17]' },
      reason,
    });
  });

  it.each<[string, PlanEvent]>([
    ['a step that is retried', reopened(17)],
    ['one that is skipped', skipped(17)],
    ['one that is cancelled', { type: 'step.cancelled', data: { ordinal: 17, epoch: 1, reason } }],
    ['a plan that is completed', completed],
    ['one that is cancelled', cancelled],
  ])('is resolved by %s, under the same incident', (_what, event) => {
    const open = [openIncident(incidents.step(17))];
    const { pages, closed } = made([event], { open, on: ['step.poisoned'] });
    expect(pages.map(said)).toEqual(['resolve step.poisoned s17']);
    expect(contentOf(pages[0]).step).toEqual({ ordinal: 17, name: 'convert[17]' });
    expect(closed).toEqual([incidents.step(17)]);
  });

  it('is a halt, whether by failed steps or by the deadline, until the plan goes on', () => {
    const deadline = { code: 'deadline-passed', message: 'late' };
    const late: PlanEvent = { type: 'plan.halted', data: { reason: deadline, steps: [], cancelsOpen: true } };
    expect(made([halted]).pages.map(said)).toEqual(['trigger plan.halted plan']);
    expect(made([late]).pages.map(said)).toEqual(['trigger plan.halted plan']);
    const open = [openIncident(incidents.halt, 'plan.halted')];
    expect(made([goesOn], { open }).pages.map(said)).toEqual(['resolve plan.halted plan']);
  });

  it('is over when what halted goes on in a fork, and not when it runs on', () => {
    const source = 'a'.repeat(PLAN.length);
    const of = new PlanIncidents('prod', source);
    const fork = {
      type: 'plan.submitted',
      data: { by, forkedFrom: { planId: source, seq: 9, results: {} } },
    } as unknown as PlanEvent;
    const step = { ...openIncident(of.step(3)), planId: source };
    const halt = { ...openIncident(of.halt, 'plan.halted'), planId: source };
    expect(made([fork], { open: [step, halt], on: [] }).pages).toMatchObject([
      { action: 'resolve', planId: source, incident: of.step(3) },
      { action: 'resolve', planId: source, incident: of.halt },
    ]);
    expect(made([fork], { open: [step], on: [] }).pages).toEqual([]);
  });

  it('is over by a fork of what halted also where nobody wants to hear of halts', () => {
    const source = 'a'.repeat(PLAN.length);
    const fork = {
      type: 'plan.submitted',
      data: { by, forkedFrom: { planId: source, seq: 9, results: {} } },
    } as unknown as PlanEvent;
    const step = { ...openIncident(new PlanIncidents('prod', source).step(3)), planId: source };
    const given = (haltedAgoMs: number | null, isShown = true): Given => {
      const haltedAt = haltedAgoMs === null ? null : new Date(NOW - haltedAgoMs).toISOString();
      const plan = (planId: string) =>
        isShown || planId === source ? { name: 'Migrate', tenant: 'local', haltedAt } : null;
      return { open: [step], on: ['step.poisoned'], facts: { plan, step: () => null }, ageMs: 1_000 };
    };
    expect(made([fork], given(2_000)).pages.map(({ action, planId }) => [action, planId])).toEqual([
      ['resolve', source],
    ]);
    // Halted only after it was forked.
    expect(made([fork], given(500))).toMatchObject({ consumed: 1, pages: [] });
    expect(made([fork], given(null))).toMatchObject({ consumed: 1, pages: [] });
    // Projections that do not show the fork yet may not show the halt yet.
    expect(made([fork], given(null, false))).toMatchObject({ consumed: 0 });
    expect(made([fork], { ...given(null, false), ageMs: 11_000 })).toMatchObject({ consumed: 1, pages: [] });
  });

  it('ends under the names that it began with, at once, however far behind the projections are', () => {
    const facts: Facts = { plan: () => null, step: () => null };
    const { pages } = made([completed], { open: [openIncident(incidents.step(7))], facts, on: [] });
    expect(contentOf(pages[0])).toMatchObject({
      plan: { name: 'Migrate' },
      step: { ordinal: 7, name: 'convert[7]' },
    });
  });

  it('is no cancellation, unless somebody wants to hear of it', () => {
    expect(made([cancelled], { on: ['step.poisoned', 'plan.halted'] }).pages).toEqual([]);
    expect(made([cancelled], { on: ['plan.cancelled'] }).pages.map(said)).toEqual([
      'inform plan.cancelled plan.cancelled',
    ]);
  });

  it('is a pause until it ends, also by the end of the plan', () => {
    const resumed: PlanEvent = { type: 'plan.resumed', data: { by, why: null } };
    const open = [openIncident(incidents.pause, 'plan.paused')];
    expect(made([paused]).pages.map(said)).toEqual(['trigger plan.paused paused']);
    expect(contentOf(made([paused]).pages[0]).reason.message).toBe('paused by ada: lunch');
    expect(made([resumed], { open }).pages.map(said)).toEqual(['resolve plan.paused paused']);
    expect(made([halted], { open, on: [] }).pages.map(said)).toEqual(['resolve plan.paused paused']);
  });

  it('is only what the sink wants to hear of', () => {
    const all = [poisoned(1), blocked(2), halted, completed];
    expect(made(all, { on: ['step.blocked'] }).pages.map(said)).toEqual([
      'trigger step.blocked s2',
      'resolve step.blocked s2',
    ]);
  });

  it('is not the end of what nobody was told of', () => {
    expect(made([reopened(17), goesOn, skipped(3)]).pages).toEqual([]);
  });

  it('leaves to the decider the end of what the decider sees', () => {
    const open = ALERT_KINDS.map((kind) => openIncident(incidents.other(kind), kind));
    expect(made([completed], { open, on: [] })).toMatchObject({ pages: [], closed: [] });
  });
});

describe('making pages', () => {
  it('gives the same ids however often and by whomever it is done, and other ones to other sinks and events', () => {
    const ids = (pages: readonly NewPage[]) => pages.map(({ id }) => id);
    const events = [poisoned(1), halted];
    expect(ids(made(events, { facts: { plan: () => null, step: () => null }, ageMs: 60_000 }).pages)).toEqual(
      ids(made(events).pages),
    );
    const twice = made([poisoned(1), reopened(1), poisoned(1)]).pages;
    expect(new Set(ids(twice)).size).toBe(3);
  });

  it('gives the ends of one incident by two forks ids of their own', () => {
    const source = 'a'.repeat(PLAN.length);
    const of = new PlanIncidents('prod', source);
    const halt = { ...openIncident(of.halt, 'plan.halted'), planId: source };
    const event = {
      type: 'plan.submitted',
      data: { by, forkedFrom: { planId: source, seq: 9, results: {} } },
    } as unknown as PlanEvent;
    const [one, two] = ['b', 'c'].map((letter) => {
      const at = new Date(NOW - 1_000).toISOString();
      const events = [{ planId: letter.repeat(PLAN.length), seq: 1, at, event }];
      const o = { sink: 'ops', on: new Set<PageKind>(), fleet: 'prod', nowMs: NOW, waitingMax: 1_000 };
      return makePages({ events, facts: known, open: [halt], waiting: 0 }, o).pages;
    });
    expect([...one!, ...two!]).toMatchObject([
      { action: 'resolve', planId: source, incident: of.halt },
      { action: 'resolve', planId: source, incident: of.halt },
    ]);
    expect(one![0]!.id).not.toBe(two![0]!.id);
  });

  it('knows what opened and closed within one batch', () => {
    const { pages, closed } = made([poisoned(1), reopened(1), poisoned(1), halted, goesOn, reopened(1)]);
    expect(pages.map((page) => `${said(page)}${page.open ? ' open' : ''}`)).toEqual([
      'trigger step.poisoned s1',
      'resolve step.poisoned s1',
      'trigger step.poisoned s1',
      'trigger plan.halted plan',
      'resolve plan.halted plan',
      'resolve step.poisoned s1',
    ]);
    expect(closed).toEqual(expect.arrayContaining([incidents.step(1), incidents.halt]));
    expect(made([poisoned(1), reopened(1), poisoned(1)]).pages.map(({ open }) => open)).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('tells of the first steps of a plan one by one, of all others together, and begins anew when it goes on', () => {
    const many = Array.from({ length: 500 }, (_, ordinal) => poisoned(ordinal + 1));
    const { pages } = made(many);
    expect(pages).toHaveLength(STEP_INCIDENTS_MAX + 1);
    expect(said(pages.at(-1)!)).toBe('trigger step.poisoned more');
    expect(contentOf(pages.at(-1)).step).toBeNull();
    const open = pages.map(({ incident, kind }) => openIncident(incident, kind));
    expect(made([poisoned(900)], { open }).pages).toEqual([]);
    expect(made([reopened(1), poisoned(900)], { open }).pages.map(said)).toEqual([
      'resolve step.poisoned s1',
      'trigger step.poisoned s900',
    ]);
    expect(made([goesOn], { open }).pages.map(said)).toEqual(['resolve step.poisoned more']);
  });

  it('counts the steps of each plan for itself', () => {
    const others = new PlanIncidents('prod', 'f'.repeat(PLAN.length));
    const open = Array.from({ length: STEP_INCIDENTS_MAX }, (_, ordinal) => ({
      ...openIncident(others.step(ordinal)),
      planId: 'f'.repeat(PLAN.length),
    }));
    expect(made([poisoned(1)], { open }).pages.map(said)).toEqual(['trigger step.poisoned s1']);
  });

  it('waits a little for names, and does without them then', () => {
    const facts: Facts = { plan: known.plan, step: () => null };
    expect(made([halted, poisoned(1), halted], { facts })).toMatchObject({ consumed: 1 });
    const late = made([poisoned(1)], { facts, ageMs: 11_000 });
    expect(late).toMatchObject({ consumed: 1 });
    expect(contentOf(late.pages[0]).step).toEqual({ ordinal: 1, name: null });
  });

  it('waits for no name of what is not paged', () => {
    const facts: Facts = { plan: () => null, step: () => null };
    expect(made([poisoned(1), skipped(2)], { facts, on: ['plan.halted'] })).toMatchObject({ consumed: 2 });
  });

  it('leaves events for later when too many pages wait, and drops none', () => {
    const events = [poisoned(1), poisoned(2), poisoned(3)];
    expect(made(events, { waiting: 8, waitingMax: 10 })).toMatchObject({ consumed: 2 });
    expect(made(events, { waiting: 10, waitingMax: 10 })).toMatchObject({ consumed: 0, pages: [] });
  });

  it('passes over what nobody can make sense of, and pages the rest', () => {
    const strange = (['plan.paused', 'plan.halted'] as const).map(
      (type) => ({ type, data: {} }) as PlanEvent,
    );
    expect(made([...strange, poisoned(1)])).toMatchObject({ consumed: 3, unreadable: 2, pages: [{}] });
  });

  it('wakes nobody for what is long over', () => {
    expect(made([poisoned(1)], { ageMs: NEWS_MAX_MS + 1 })).toMatchObject({ consumed: 1, pages: [] });
    expect(made([poisoned(1)], { ageMs: NEWS_MAX_MS - 1 }).pages).toHaveLength(1);
  });

  it('looks at every event that can be paged, and keeps its texts within bounds', () => {
    const kinds = new Set<string>(
      [...PAGE_KINDS].filter((kind) => !(ALERT_KINDS as string[]).includes(kind)),
    );
    for (const kind of kinds) expect(PAGED_TYPES).toContain(kind);
    const long = { code: 'c'.repeat(10_000), message: 'm'.repeat(1_000_000) };
    const [page] = made([{ type: 'plan.halted', data: { reason: long, steps: [] } }]).pages;
    expect(page!.content.length).toBeLessThan(5_000);
  });
});
