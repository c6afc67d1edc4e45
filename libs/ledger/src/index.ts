export * from './ledger.ts';
export * from './cursor.ts';
export * from './terms.ts';
export * from './errors.ts';
export {
  BODY_VERSION,
  EMPTY_HEAD,
  eventBody,
  hashEvent,
  parseBody,
  type BodyParts,
} from './chain/event-body.ts';
export * from './chain/verify-chain.ts';
export * from './memory/in-memory-ledger.ts';
export * from './memory/in-memory-terms.ts';
export { migrate, type Migrated, type MigrateOptions } from './migrations/migrate.ts';
export { removeLedger } from './migrations/remove-ledger.ts';
export type { RuntimeRole } from './migrations/runtime-role.ts';
export { LedgerDatabase, type LedgerDatabaseOptions } from './postgres/ledger-database.ts';
export { DEFAULT_SCHEMA } from './postgres/schema-name.ts';
export * from './postgres/postgres-terms.ts';
export { PostgresLedger } from './postgres/postgres-ledger.ts';
export { EventPages, type PageBounds } from './postgres/event-pages.ts';
export { Projector, type ProjectorOptions } from './projecting/projector.ts';
export * from './projecting/plan-views.ts';
export type { PlanFilter } from './projecting/plan-filter.ts';
export { renderProgress } from './projecting/progress.ts';
export { STEP_STATES, type StepCounts, type StepViewState } from './projecting/step-row.ts';
export type { DeadLetterFilter, DeadLetterPage, DeadLetterView } from './projecting/dead-letters.ts';
export { groupName } from './projecting/step-groups.ts';
export type { IntegrationView } from './projecting/fold.ts';
export { PageOutbox, type Collected } from './paging/page-outbox.ts';
export type * from './paging/outbox-rows.ts';
