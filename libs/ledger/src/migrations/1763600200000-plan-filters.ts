import type { MigrationInterface, QueryRunner } from 'typeorm';
import { inSchema } from './in-schema.ts';

/**
 * Why: plans are found by label, status, tenant, name and age, also among a hundred thousand of them.
 * Locks: `plans` against writing, while its indexes are built (a second per hundred thousand plans); nobody decides
 * by it.
 * Old code beside it: yes. What it projects has no labels, but it knows none either; `Projector.rebuild` mends what
 * it wrote of a newer replica's plans.
 */
export class PlanFilters1763600200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await inSchema(runner, UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await inSchema(runner, DOWN);
  }
}

// Every list is in the order of `position`, so an index that ends with it gives a page without sorting. Rows are
// updated often, but what is indexed here only with the plan's end: the updates stay within their page.
const UP = `
ALTER TABLE plans
  -- JSON: what the plan was given.
  ADD COLUMN labels       text    NOT NULL DEFAULT '{}',
  ADD COLUMN params       text    NOT NULL DEFAULT '{}',
  ADD COLUMN priority     integer NOT NULL DEFAULT 0,
  -- For each label 'key' and 'key=value': the planner knows from statistics which of them are rare.
  ADD COLUMN label_terms  text[]  COLLATE "C" NOT NULL DEFAULT '{}';
-- So that a label that few plans have is known to be rare: else all plans are walked to find a page of it (35 ms
-- instead of 1 ms with a hundred thousand).
ALTER TABLE plans ALTER COLUMN label_terms SET STATISTICS 1000;
CREATE INDEX plans_by_status ON plans (status, position);
CREATE INDEX plans_by_tenant ON plans (tenant, position);
CREATE INDEX plans_by_label ON plans USING gin (label_terms);
-- The order of bytes, which a search by the beginning needs; names are ASCII.
CREATE INDEX plans_by_name ON plans (lower(name COLLATE "C"), position);
-- ISO 8601 texts of one form: the order of bytes is that of time.
CREATE INDEX plans_by_age ON plans ((submitted_at COLLATE "C"));
`;

const DOWN = `
DROP INDEX plans_by_status, plans_by_tenant, plans_by_label, plans_by_name, plans_by_age;
ALTER TABLE plans DROP COLUMN labels, DROP COLUMN params, DROP COLUMN priority, DROP COLUMN label_terms;
`;
