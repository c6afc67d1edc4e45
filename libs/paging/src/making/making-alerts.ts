import { toIso } from '#domain';
import { PlanIncidents, pageId } from '../incidents.ts';
import type { Facts, NewPage, OpenAlerts } from '../outbox.ts';
import type { AlertKind, PageAction, PageContent, PageKind } from '../page.ts';

/** Something is wrong with a plan that its stream does not say, for as long as it is told. */
export interface PlanAlert {
  kind: AlertKind;
  planId: string;
  /** What is known of it, for people. */
  message: string;
}

/** Open at once. Whoever has that many knows that something is wrong; the others follow as these are mended. */
export const ALERTS_MAX = 100;

export interface AlertOptions {
  sink: string;
  on: ReadonlySet<PageKind>;
  fleet: string;
  nowMs: number;
}

export function alertIncident(fleet: string, { planId, kind }: Pick<PlanAlert, 'planId' | 'kind'>): string {
  return new PlanIncidents(fleet, planId).other(kind);
}

/**
 * Holds what is the case against what was paged. An alert that goes away and comes back is a new page: the id counts how
 * often it was there before.
 */
export function makeAlerts(
  alerts: readonly PlanAlert[],
  { open, closedBefore, facts }: OpenAlerts,
  o: AlertOptions,
): { pages: NewPage[]; closed: string[] } {
  const current = new Map(alerts.map((alert) => [alertIncident(o.fleet, alert), alert]));
  const known = new Set(open.map(({ incident }) => incident));
  const at = toIso(o.nowMs);
  const make = (about: About): NewPage => newAlertPage(o.sink, { ...about, at }, closedBefore, facts);
  const triggers = [...current]
    .filter(([incident, { kind }]) => !known.has(incident) && o.on.has(kind))
    .slice(0, Math.max(0, ALERTS_MAX - open.length))
    .map(([incident, { planId, kind, message }]) =>
      make({ action: 'trigger', planId, kind, incident, message }),
    );
  const over = open.filter(({ incident }) => !current.has(incident));
  const resolves = over.map(({ planId, kind, incident }) =>
    make({ action: 'resolve', planId, kind: kind as AlertKind, incident, message: 'it is over' }),
  );
  return { pages: [...resolves, ...triggers], closed: over.map(({ incident }) => incident) };
}

interface About {
  action: PageAction;
  planId: string;
  kind: AlertKind;
  incident: string;
  message: string;
}

function newAlertPage(
  sink: string,
  { action, planId, kind, incident, message, at }: About & { at: string },
  closedBefore: (incident: string) => number,
  facts: Facts,
): NewPage {
  const plan = facts.plan(planId);
  const content: PageContent = {
    at,
    plan: plan && { name: plan.name, tenant: plan.tenant },
    step: null,
    reason: { code: kind.replace('.', '-'), message },
  };
  const id = pageId({ sink, planId, seq: closedBefore(incident), incident, action });
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
