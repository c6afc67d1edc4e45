import { fromIso, type Actor, type PlanEvent, type Reason } from '#domain';
import { PlanIncidents } from '../incidents.ts';
import type { Batch, Facts, Made, NewPage, OpenIncident, PagedEvent } from '../outbox.ts';
import { ALERT_KINDS, type PageContent, type PageKind } from '../page.ts';
import { draft, said, type About } from './draft.ts';

export interface MakingOptions {
  sink: string;
  /** What the sink is to be paged about. */
  on: ReadonlySet<PageKind>;
  fleet: string;
  /** Wall clock (ms). */
  nowMs: number;
  /** Pages that may wait for the sink. */
  waitingMax: number;
}

/** Nobody is woken for what is longer ago: a sink that comes back after months begins a week back. */
export const NEWS_MAX_MS = 7 * 86_400_000;
/** Names come from the projections, which may be a little behind. A page without names is better than none. */
const NAMES_WAIT_MS = 10_000;
/** Steps of one plan that are open as incidents of their own. Whoever has that many knows that there are more. */
export const STEP_INCIDENTS_MAX = 10;

/** Events that open, close or are worth a page. Anything else is passed over unread. */
export const PAGED_TYPES: readonly PlanEvent['type'][] = [
  'step.poisoned',
  'step.blocked',
  'step.reopened',
  'step.skipped',
  'step.cancelled',
  'plan.submitted',
  'plan.halted',
  'plan.paused',
  'plan.resumed',
  'plan.reopened',
  'plan.completed',
  'plan.cancelled',
  'integration.published',
];

/** Pure: the same batch makes the same pages, with the same ids, whoever makes them. */
export function makePages(batch: Batch, o: MakingOptions): Made {
  const making = new Making(batch, o);
  let consumed = 0;
  for (const event of batch.events) {
    if (!making.take(event)) break;
    consumed += 1;
  }
  const { pages, closed, unreadable } = making;
  return { pages, closed: [...closed], consumed, unreadable };
}

type Opened = OpenIncident & {
  /** null: it was open before. */
  page: NewPage | null;
};

interface Wanted {
  action: 'trigger' | 'inform';
  kind: PageKind;
  incident: string;
  ordinal?: number;
}

/** `isNamed`: what people call it is known, or was not when it began. */
interface Drafted {
  page: NewPage;
  isNamed: boolean;
}

class Making {
  readonly pages: NewPage[] = [];
  readonly closed = new Set<string>();
  unreadable = 0;
  private readonly open = new Map<string, Opened>();
  private readonly facts: Facts;

  constructor(
    private readonly batch: Batch,
    private readonly o: MakingOptions,
  ) {
    this.facts = batch.facts;
    for (const opened of batch.open) this.open.set(opened.incident, { ...opened, page: null });
  }

  /** False: not yet. */
  take(event: PagedEvent): boolean {
    const { nowMs, waitingMax } = this.o;
    if (this.batch.waiting + this.pages.length >= waitingMax) return false;
    const ageMs = nowMs - fromIso(event.at);
    if (ageMs > NEWS_MAX_MS) return true;
    const all = this.readable(event);
    const isKnown = this.knowsSource(event) && all.every(({ isNamed }) => isNamed);
    if (ageMs < NAMES_WAIT_MS && !isKnown) return false;
    for (const { page } of all) this.keep(page);
    return true;
  }

  /** What the ledger has may be of a version, or a defect, that nobody foresaw: it must not keep other pages back. */
  private readable(event: PagedEvent): Drafted[] {
    const incidents = new PlanIncidents(this.o.fleet, event.planId);
    try {
      const all = [...this.resolves(event, incidents), ...this.news(event, incidents)];
      return all.map((about) => ({
        page: draft(this.o.sink, event, about),
        isNamed: about.action === 'resolve' || (about.plan !== null && about.step?.name !== null),
      }));
    } catch {
      this.unreadable += 1;
      return [];
    }
  }

  private keep(page: NewPage): void {
    this.pages.push(page);
    if (page.action === 'trigger') this.open.set(page.incident, { ...page, page });
    if (page.action === 'resolve') this.close(page.incident);
  }

  private close(incident: string): void {
    const opened = this.open.get(incident);
    if (opened?.page) opened.page.open = false;
    this.closed.add(incident);
    this.open.delete(incident);
  }

  private news({ event }: PagedEvent, incidents: PlanIncidents): About[] {
    switch (event.type) {
      case 'step.poisoned':
      case 'step.blocked':
        return this.stepFailed(event.type, event.data, incidents);
      case 'plan.halted':
        return this.wanted(
          incidents,
          { action: 'trigger', kind: event.type, incident: incidents.halt },
          event.data.reason,
        );
      case 'plan.paused':
        return this.wanted(
          incidents,
          { action: 'trigger', kind: event.type, incident: incidents.pause },
          said('paused', event.data),
        );
      case 'plan.submitted':
        return this.inform(event.type, said('submitted', { by: event.data.by, why: null }), incidents);
      case 'plan.completed':
        return this.inform(event.type, event.data.reason, incidents);
      case 'plan.cancelled':
        return this.inform(event.type, said('cancelled', event.data), incidents);
      case 'integration.published': {
        const { branch, sha } = event.data;
        return this.inform(event.type, { code: 'published', message: `${branch} is at ${sha}` }, incidents);
      }
      default:
        return [];
    }
  }

  private stepFailed(
    kind: 'step.poisoned' | 'step.blocked',
    { ordinal, reason }: { ordinal: number; reason: Reason },
    incidents: PlanIncidents,
  ): About[] {
    const steps = [...this.open.keys()].filter((incident) => incidents.isOfStep(incident)).length;
    if (steps < STEP_INCIDENTS_MAX) {
      return this.wanted(
        incidents,
        { action: 'trigger', kind, incident: incidents.step(ordinal), ordinal },
        reason,
      );
    }
    if (this.open.has(incidents.more)) return [];
    const message = `more than ${STEP_INCIDENTS_MAX} of its steps ended badly and wait for somebody: no further one is paged by itself`;
    return this.wanted(
      incidents,
      { action: 'trigger', kind, incident: incidents.more },
      { code: 'more-steps', message },
    );
  }

  /** What ends is told wherever it was told that it began, whatever the sink wants to hear now. */
  private resolves({ planId, at, event }: PagedEvent, incidents: PlanIncidents): About[] {
    switch (event.type) {
      case 'step.reopened': {
        const { ordinal } = event.data;
        return this.over([incidents.step(ordinal)], said('tried again', event.data));
      }
      case 'step.skipped':
      case 'step.cancelled': {
        const { ordinal, reason } = event.data;
        return this.over([incidents.step(ordinal)], reason);
      }
      case 'plan.reopened':
        return this.over([incidents.halt, incidents.more], said('taken up again', event.data));
      case 'plan.submitted':
        return this.forked(event.data.forkedFrom?.planId ?? null, event.data.by, { planId, at });
      case 'plan.resumed':
        return this.over([incidents.pause], said('resumed', event.data));
      case 'plan.halted':
        return this.over([incidents.pause], event.data.reason);
      case 'plan.completed':
        return this.over(this.openOf(planId), event.data.reason);
      case 'plan.cancelled':
        return this.over(this.openOf(planId), said('cancelled', event.data));
      default:
        return [];
    }
  }

  private openOf(planId: string): string[] {
    const alerts: readonly string[] = ALERT_KINDS;
    return [...this.open]
      .filter(([, opened]) => opened.planId === planId && !alerts.includes(opened.kind))
      .map(([incident]) => incident);
  }

  /** A plan that halted goes on in its fork. One that runs, and is forked nevertheless, still needs somebody. */
  private forked(sourceId: string | null, by: Actor, fork: { planId: string; at: string }): About[] {
    if (sourceId === null || !(this.wasToldOfHalt(sourceId) || this.hadHalted(sourceId, fork.at))) return [];
    return this.over(this.openOf(sourceId), said(`forked as ${fork.planId}`, { by, why: null }));
  }

  private wasToldOfHalt(planId: string): boolean {
    return this.open.has(new PlanIncidents(this.o.fleet, planId).halt);
  }

  /** Sinks that do not want to hear of halts have no incident of it. The projections may be ahead of this event. */
  private hadHalted(planId: string, at: string): boolean {
    const haltedAt = this.facts.plan(planId)?.haltedAt ?? null;
    return haltedAt !== null && fromIso(haltedAt) <= fromIso(at);
  }

  /** Projections that show a fork show what its source had come to. */
  private knowsSource({ planId, event }: PagedEvent): boolean {
    const sourceId = event.type === 'plan.submitted' ? event.data.forkedFrom?.planId : undefined;
    if (sourceId === undefined || this.openOf(sourceId).length === 0) return true;
    return this.wasToldOfHalt(sourceId) || this.facts.plan(planId) !== null;
  }

  /** Under the names that it was told with. */
  private over(incidents: string[], reason: Reason): About[] {
    return incidents.flatMap((incident) => {
      const opened = this.open.get(incident);
      if (!opened) return [];
      const { planId, kind, content } = opened;
      const { plan, step } = JSON.parse(content) as PageContent;
      return [{ action: 'resolve', planId, kind: kind as PageKind, incident, plan, step, reason }];
    });
  }

  private inform(kind: PageKind, reason: Reason, incidents: PlanIncidents): About[] {
    return this.wanted(incidents, { action: 'inform', kind, incident: incidents.other(kind) }, reason);
  }

  private wanted(incidents: PlanIncidents, what: Wanted, reason: Reason): About[] {
    const { ordinal = null, ...of } = what;
    if (!this.o.on.has(of.kind)) return [];
    const { planId } = incidents;
    const plan = this.facts.plan(planId);
    const name = ordinal === null ? null : (this.facts.step(planId, ordinal)?.name ?? null);
    const step = ordinal === null ? null : { ordinal, name };
    return [{ ...of, planId, plan, step, reason }];
  }
}
