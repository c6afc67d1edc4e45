import type { Reason } from '#domain';

/** What people can be paged about. Those of `alerts` are no events: the decider sees them, and sees them end. */
export const PAGE_KINDS = [
  'step.poisoned',
  'step.blocked',
  'plan.halted',
  'plan.paused',
  'plan.stuck',
  'plan.unreadable',
  'plan.submitted',
  'plan.completed',
  'plan.cancelled',
  'integration.published',
] as const;

export type PageKind = (typeof PAGE_KINDS)[number];
export type AlertKind = 'plan.stuck' | 'plan.unreadable';
export const ALERT_KINDS: readonly AlertKind[] = ['plan.stuck', 'plan.unreadable'];

/** `trigger` opens an incident, `resolve` closes it, `inform` is neither. */
export type PageAction = 'trigger' | 'resolve' | 'inform';

export type Severity = 'critical' | 'error' | 'warning' | 'info';

/** What a page is about, as it was when it was made. Kept until it is delivered; hostile as the plan's own texts. */
export interface PageContent {
  /** When it happened: ISO 8601 in UTC. */
  at: string;
  /** null: the projections did not know it. */
  plan: { name: string; tenant: string } | null;
  step: { ordinal: number; name: string | null } | null;
  reason: Reason;
}

/** One message to one sink. */
export interface Page {
  /** Stays the same however often it is sent: receivers tell repetitions by it. */
  id: string;
  planId: string;
  /** A trigger and its resolve share it. At most 255 visible ASCII characters. */
  incident: string;
  action: PageAction;
  kind: PageKind;
  content: PageContent;
}
