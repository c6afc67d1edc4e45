import type { MigrationInterface, QueryRunner } from 'typeorm';
import { inSchema } from './in-schema.ts';

/**
 * Why: lists and pages must not read whole streams. Everything here is computed from events and may be
 * emptied and computed again (`Projector.rebuild`).
 * Locks: none that matter; only new objects.
 * Old code beside it: yes, it does not look here.
 */
export class Projections1763600100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await inSchema(runner, UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await inSchema(runner, 'DROP TABLE attempts, steps, plans, projections');
  }
}

// Times are the events' own ISO 8601 texts, and structures are JSON texts: no event that the ledger took, with
// whatever characters, may stop the projector.
const UP = `
CREATE TABLE projections (
  name      text   NOT NULL COLLATE "C" PRIMARY KEY,
  tx        xid8   NOT NULL,
  position  bigint NOT NULL
);
INSERT INTO projections (name, tx, position) VALUES ('plans', '0', 0);

CREATE TABLE plans (
  plan_id       text    NOT NULL COLLATE "C" PRIMARY KEY,
  -- Of plan.submitted: the order of lists.
  position      bigint  NOT NULL,
  name          text    NOT NULL,
  tenant        text    NOT NULL,
  status        text    NOT NULL COLLATE "C",
  submitted_at  text    NOT NULL,
  ended_at      text,
  base_sha      text,
  -- JSON: steps by state.
  counts        text    NOT NULL,
  -- JSON: for each definition the names of its needs.
  needs         text    NOT NULL,
  integration   text,
  reason        text,
  head_seq      bigint  NOT NULL,
  head_hash     text    NOT NULL,
  closed        boolean NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX plans_newest ON plans (position);

-- Rows are updated several times each: room in the page and no index on what changes keep that cheap.
CREATE TABLE steps (
  plan_id        text    NOT NULL COLLATE "C",
  ordinal        integer NOT NULL,
  name           text    NOT NULL,
  kind           text    NOT NULL COLLATE "C",
  definition     integer,
  state          text    NOT NULL COLLATE "C",
  epoch          integer NOT NULL,
  attempts_used  integer NOT NULL,
  leases_lost    integer NOT NULL,
  not_before     text,
  reason         text,
  worker         text,
  started_at     text,
  ended_at       text,
  commit_sha     text,
  commit_ref     text,
  outputs        text,
  PRIMARY KEY (plan_id, ordinal)
) WITH (fillfactor = 70);

-- Where to find a step's attempts in the ledger; what they were is only there.
CREATE TABLE attempts (
  plan_id  text    NOT NULL COLLATE "C",
  ordinal  integer NOT NULL,
  attempt  integer NOT NULL,
  seq      bigint  NOT NULL,
  PRIMARY KEY (plan_id, ordinal, attempt)
);
`;
