/** What a sink can be paged about; libs/paging has the same list, and the coordinator does not compile with another. */
export const INCIDENTS = [
  'step.poisoned',
  'step.blocked',
  'plan.halted',
  'plan.paused',
  'plan.stuck',
  'plan.unreadable',
] as const;
export const NEWS = ['plan.submitted', 'plan.completed', 'plan.cancelled', 'integration.published'] as const;

export type PageKindSetting = (typeof INCIDENTS)[number] | (typeof NEWS)[number];

/** Whom pages go to. */
export type SinkSetting = { readonly name: string; readonly on: readonly PageKindSetting[] } & (
  | { readonly type: 'webhook'; readonly url: string; readonly secrets: readonly string[] }
  | { readonly type: 'slack'; readonly url: string }
  | { readonly type: 'pagerduty'; readonly url: string; readonly routingKey: string }
);
