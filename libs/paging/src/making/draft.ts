import type { Actor, Reason } from '#domain';
import { pageId } from '../incidents.ts';
import type { NewPage, PagedEvent } from '../outbox.ts';
import type { PageAction, PageContent, PageKind } from '../page.ts';
import { cut } from '../plain-text.ts';

/** Kept of a reason while its page waits. */
const REASON_CHARS_MAX = 4_000;

/** What is to be said, and to which incident. */
export interface About {
  planId: string;
  action: PageAction;
  kind: PageKind;
  incident: string;
  plan: PageContent['plan'];
  step: PageContent['step'];
  reason: Reason;
}

/** A page that nobody has yet, about something that follows from an event. */
export function draft(sink: string, { planId: sayer, seq, at }: PagedEvent, about: About): NewPage {
  const { planId, action, kind, incident, plan, step, reason } = about;
  const content: PageContent = {
    at,
    plan: plan && { name: plan.name, tenant: plan.tenant },
    step,
    reason: { code: cut(reason.code, 100), message: cut(reason.message, REASON_CHARS_MAX) },
  };
  return {
    // An event of a fork may end what its source began: the number alone could be that of another fork's.
    id: pageId({ sink, planId: sayer, seq, incident, action }),
    planId,
    incident,
    action,
    kind,
    content: JSON.stringify(content),
    open: action === 'trigger',
  };
}

/** What somebody wanted, and why if they said so. */
export function said(done: string, { by, why }: { by: Actor; why: string | null }): Reason {
  return {
    code: done.replaceAll(' ', '-'),
    message: `${done} by ${by.name}${why === null ? '' : `: ${why}`}`,
  };
}
