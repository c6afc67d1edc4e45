import type { MigrationInterface, QueryRunner } from 'typeorm';
import { inSchema } from './in-schema.ts';

/**
 * Why: who was paged about what, and which page was acknowledged, must outlive the coordinator that sent it. Pages are
 * made of events, by a cursor of each sink in the tail; what became of them is known only here.
 * Locks: none that matter; only new objects.
 * Old code beside it: yes, it does not look here, and pages nobody.
 */
export class Pages1763600300000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await inSchema(runner, UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await inSchema(runner, 'DROP TABLE pages, sinks');
  }
}

const UP = `
CREATE TABLE sinks (
  name             text    NOT NULL COLLATE "C" PRIMARY KEY,
  -- The last event of which its pages are made.
  tx               xid8    NOT NULL,
  position         bigint  NOT NULL,
  -- In a row.
  failures         integer NOT NULL DEFAULT 0,
  failing_since    timestamptz,
  -- Nothing is tried before.
  resume_at        timestamptz,
  last_success_at  timestamptz,
  last_error_at    timestamptz,
  last_error       text,
  given_up         bigint  NOT NULL DEFAULT 0
);

-- Rows are updated a few times each.
CREATE TABLE pages (
  -- Of what is paged and of the sink: what is made again is the same page.
  id              text    NOT NULL COLLATE "C" PRIMARY KEY,
  number          bigint  NOT NULL GENERATED ALWAYS AS IDENTITY,
  sink            text    NOT NULL COLLATE "C",
  plan_id         text    NOT NULL COLLATE "C",
  -- What it is about: a resolve goes to the same one as its trigger, and after it.
  incident        text    NOT NULL COLLATE "C",
  action          text    NOT NULL COLLATE "C",
  kind            text    NOT NULL COLLATE "C",
  -- JSON.
  content         text    NOT NULL,
  state           text    NOT NULL COLLATE "C" DEFAULT 'waiting',
  -- Of a trigger: not resolved yet.
  open            boolean NOT NULL,
  made_at         timestamptz NOT NULL,
  due_at          timestamptz NOT NULL,
  -- Somebody is sending it; when this has passed, somebody else may.
  held_until      timestamptz,
  tries           integer NOT NULL DEFAULT 0,
  first_tried_at  timestamptz,
  settled_at      timestamptz
) WITH (fillfactor = 70);
CREATE INDEX pages_waiting ON pages (sink, number) WHERE state = 'waiting';
CREATE INDEX pages_open ON pages (sink, plan_id) WHERE open;
CREATE INDEX pages_incident ON pages (incident, sink);
`;
