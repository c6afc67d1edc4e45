export { PAGE_KINDS, ALERT_KINDS, type AlertKind, type PageKind } from './page.ts';
export { adviceFor, type Advice } from './advice.ts';
export type { PlanAlert } from './making/making-alerts.ts';
export type { Rendering } from './message.ts';
export type { Outbox } from './outbox.ts';
export { Pager, type PagerOptions, type SinkStatus, type TestOutcome } from './pager.ts';
export { PAGING_LIMITS, type PagingLimits } from './sink-lane.ts';
export type { SinkSettings, SinkType } from './sinks/sink.ts';
