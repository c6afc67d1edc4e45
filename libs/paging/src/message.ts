import { formatOrdinal } from '#domain';
import { redactText } from '#telemetry';
import { adviceFor, type Advice } from './advice.ts';
import type { Page, PageAction, PageContent, PageKind, Severity } from './page.ts';
import { plainLine, plainText } from './plain-text.ts';

const NAME_CHARS_MAX = 200;
const REASON_CHARS_MAX = 2_000;

/** A page as people get to read it: plain text within bounds, whatever a plan called its steps. */
export interface Message {
  id: string;
  incident: string;
  action: PageAction;
  kind: PageKind;
  severity: Severity;
  /** When it happened: ISO 8601 in UTC. */
  at: string;
  /** Who pages, for receivers of several fleets. */
  fleet: string;
  /** What happened, after the names of what it happened to: `is poisoned`. */
  what: string;
  plan: { id: string; name: string; tenant: string | null };
  step: { ordinal: string; name: string | null } | null;
  reason: { code: string; message: string };
  todo: Advice[];
  links: { title: string; url: string }[];
}

export interface Rendering {
  fleet: string;
  /** Base address of the links; null: there are none. */
  baseUrl: string | null;
}

/** Pure. What is not in the page itself (commands, links) is as of now, not as of when it was made. */
export function messageOf(page: Page, { fleet, baseUrl }: Rendering): Message {
  const { id, planId, incident, action, kind, content } = page;
  const { plan, step, reason, at } = content;
  const says = saysOf(kind);
  return {
    id,
    incident,
    action,
    kind,
    severity: severityOf(page),
    at,
    fleet,
    what: action === 'resolve' ? (says.over ?? says.what) : says.what,
    plan: {
      id: planId,
      name: plainLine(plan?.name ?? '', NAME_CHARS_MAX) || planId,
      tenant: plan && plainLine(plan.tenant, NAME_CHARS_MAX),
    },
    step: step && stepOf(step),
    reason: {
      code: plainLine(reason.code, 100),
      message: plainText(redactText(reason.message), REASON_CHARS_MAX),
    },
    todo:
      action === 'resolve'
        ? []
        : adviceFor(kind, { planId, ordinal: step && formatOrdinal(step.ordinal), reasonCode: reason.code }),
    links: linksOf(planId, baseUrl),
  };
}

function stepOf({ ordinal, name }: NonNullable<PageContent['step']>): Message['step'] {
  return {
    ordinal: formatOrdinal(ordinal),
    name: name === null ? null : plainLine(name, NAME_CHARS_MAX) || null,
  };
}

/** One line, for subjects and previews. */
export function headlineOf({ plan, step, what, action }: Message): string {
  const place = step === null ? plan.name : `${plan.name}: ${nameOf(step)}`;
  return `${action === 'resolve' ? 'Over: ' : ''}${place} ${what}`;
}

export function nameOf({ ordinal, name }: NonNullable<Message['step']>): string {
  return name === null ? ordinal : `${name} (${ordinal})`;
}

function severityOf({ action, kind }: Page): Severity {
  return action === 'resolve' ? 'info' : saysOf(kind).severity;
}

function linksOf(planId: string, baseUrl: string | null): Message['links'] {
  if (baseUrl === null) return [];
  const plan = `${baseUrl.replace(/\/+$/, '')}/v1/plans/${planId}`;
  return [
    { title: 'How it goes', url: `${plan}/progress.md` },
    { title: 'Its steps', url: `${plan}/steps` },
  ];
}

/** A page that a newer replica made waits for whoever decides. */
function saysOf(kind: PageKind): (typeof SAYS)[PageKind] {
  const says: Partial<typeof SAYS> = SAYS;
  return says[kind] ?? { severity: 'error', what: `needs somebody: ${kind}` };
}

const SAYS: Record<PageKind, { severity: Severity; what: string; over?: string }> = {
  'step.poisoned': { severity: 'error', what: 'is poisoned', over: 'is not poisoned any more' },
  'step.blocked': { severity: 'warning', what: 'is blocked', over: 'is not blocked any more' },
  'plan.halted': { severity: 'critical', what: 'has halted', over: 'goes on' },
  'plan.paused': { severity: 'info', what: 'is paused', over: 'is not paused any more' },
  'plan.stuck': { severity: 'critical', what: 'can neither go on nor end', over: 'is not stuck any more' },
  'plan.unreadable': { severity: 'critical', what: 'cannot be read', over: 'can be read again' },
  'plan.submitted': { severity: 'info', what: 'was submitted' },
  'plan.completed': { severity: 'info', what: 'is completed' },
  'plan.cancelled': { severity: 'info', what: 'is cancelled' },
  'integration.published': { severity: 'info', what: 'is published' },
};
