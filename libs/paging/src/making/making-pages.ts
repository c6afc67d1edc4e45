import { fromIso, type Actor, type PlanEvent, type Reason } from '#domain';
import { PlanIncidents, pageId } from '../incidents.ts';
import type { Batch, Facts, Made, NewPage, PagedEvent } from '../outbox.ts';
import { cut } from '../plain-text.ts';
import { ALERT_KINDS, type PageAction, type PageContent, type PageKind } from '../page.ts';

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

/** Kept of a reason while its page waits. */
const REASON_CHARS_MAX = 4_000;

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

interface Opened {
  planId: string;
  kind: string;
  /** null: it was open before. */
  page: NewPage | null;
}

interface About {
  action: PageAction;
  kind: PageKind;
  incident: string;
  ordinal: number | null;
  reason: Reason;
}

interface Drafted {
  about: About;
  page: NewPage;
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
    for (const { incident, planId, kind } of batch.open)
      this.open.set(incident, { planId, kind, page: null });
  }

  /** False: not yet. */
  take(event: PagedEvent): boolean {
    const { nowMs, waitingMax } = this.o;
    if (this.batch.waiting + this.pages.length >= waitingMax) return false;
    const ageMs = nowMs - fromIso(event.at);
    if (ageMs > NEWS_MAX_MS) return true;
    const all = this.readable(event);
    if (ageMs < NAMES_WAIT_MS && !all.every(({ about }) => this.isKnown(event, about))) return false;
    for (const draft of all) this.keep(draft);
    return true;
  }

  /** What the ledger has may be of a version, or a defect, that nobody foresaw: it must not keep other pages back. */
  private readable(event: PagedEvent): Drafted[] {
    const incidents = new PlanIncidents(this.o.fleet, event.planId);
    try {
      const all = [...this.resolves(event, incidents), ...this.news(event, incidents)];
      return all.map((about) => ({
        about,
        page: newPage(this.o.sink, event, about, contentOf(event, about, this.facts)),
      }));
    } catch {
      this.unreadable += 1;
      return [];
    }
  }

  private isKnown({ planId }: PagedEvent, { ordinal }: About): boolean {
    if (!this.facts.plan(planId)) return false;
    return ordinal === null || this.facts.step(planId, ordinal) !== null;
  }

  private keep({ about: { action, kind, incident }, page }: Drafted): void {
    this.pages.push(page);
    if (action === 'trigger') this.open.set(incident, { planId: page.planId, kind, page });
    if (action === 'resolve') this.close(incident);
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
        return this.wanted('trigger', event.type, incidents.halt, event.data.reason);
      case 'plan.paused':
        return this.wanted('trigger', event.type, incidents.pause, said('paused', event.data));
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
      return this.wanted('trigger', kind, incidents.step(ordinal), reason, ordinal);
    }
    if (this.open.has(incidents.more)) return [];
    const message = `more than ${STEP_INCIDENTS_MAX} of its steps ended badly and wait for somebody: no further one is paged by itself`;
    return this.wanted('trigger', kind, incidents.more, { code: 'more-steps', message });
  }

  /** What ends is told wherever it was told that it began, whatever the sink wants to hear now. */
  private resolves({ planId, event }: PagedEvent, incidents: PlanIncidents): About[] {
    switch (event.type) {
      case 'step.reopened': {
        const { ordinal } = event.data;
        return this.over([incidents.step(ordinal)], said('tried again', event.data), ordinal);
      }
      case 'step.skipped':
      case 'step.cancelled': {
        const { ordinal, reason } = event.data;
        return this.over([incidents.step(ordinal)], reason, ordinal);
      }
      case 'plan.reopened':
        return this.over([incidents.halt, incidents.more], said('taken up again', event.data));
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

  private over(incidents: string[], reason: Reason, ordinal: number | null = null): About[] {
    return incidents.flatMap((incident) => {
      const opened = this.open.get(incident);
      if (!opened) return [];
      const kind = opened.kind as PageKind;
      return [{ action: 'resolve', kind, incident, ordinal: ordinal ?? ordinalOf(incident), reason }];
    });
  }

  private inform(kind: PageKind, reason: Reason, incidents: PlanIncidents): About[] {
    return this.wanted('inform', kind, incidents.other(kind), reason);
  }

  private wanted(
    action: PageAction,
    kind: PageKind,
    incident: string,
    reason: Reason,
    ordinal: number | null = null,
  ): About[] {
    return this.o.on.has(kind) ? [{ action, kind, incident, ordinal, reason }] : [];
  }
}

function ordinalOf(incident: string): number | null {
  const text = /\/s(\d+)$/.exec(incident)?.[1];
  return text === undefined ? null : Number(text);
}

function newPage(
  sink: string,
  { planId, seq }: PagedEvent,
  { action, kind, incident }: About,
  content: PageContent,
): NewPage {
  const id = pageId({ sink, planId, seq, incident, action });
  return {
    id,
    planId,
    incident,
    action,
    kind,
    content: JSON.stringify(content),
    open: action === 'trigger',
  };
}

function contentOf({ planId, at }: PagedEvent, { ordinal, reason }: About, facts: Facts): PageContent {
  const plan = facts.plan(planId);
  return {
    at,
    plan: plan && { name: plan.name, tenant: plan.tenant },
    step: ordinal === null ? null : { ordinal, name: facts.step(planId, ordinal)?.name ?? null },
    reason: { code: cut(reason.code, 100), message: cut(reason.message, REASON_CHARS_MAX) },
  };
}

function said(done: string, { by, why }: { by: Actor; why: string | null }): Reason {
  return {
    code: done.replaceAll(' ', '-'),
    message: `${done} by ${by.name}${why === null ? '' : `: ${why}`}`,
  };
}
