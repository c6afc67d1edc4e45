import type { MigrationInterface, QueryRunner } from 'typeorm';
import { inSchema } from './in-schema.ts';

/**
 * Why: the ledger itself, and the term that fences who may append to it.
 * Locks: none that matter; only new objects.
 * Old code beside it: there is none.
 */
export class Events1763600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await inSchema(runner, UP);
  }

  async down(): Promise<void> {
    throw new Error('The ledger is never taken away.');
  }
}

const UP = `
CREATE TABLE events (
  position   bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  -- Who tails the ledger waits until every transaction up to this one is over.
  tx         xid8   NOT NULL DEFAULT pg_current_xact_id(),
  plan_id    text   NOT NULL COLLATE "C",
  seq        bigint NOT NULL CHECK (seq > 0),
  type       text   NOT NULL COLLATE "C",
  -- The exact bytes that were hashed: not jsonb, which reorders keys, drops doubles and refuses \\u0000.
  body       text   NOT NULL,
  prev_hash  text   NOT NULL COLLATE "C",
  hash       text   NOT NULL COLLATE "C",
  PRIMARY KEY (plan_id, seq),
  -- The columns that queries trust say what the hashed text says ('{"v":1' is its first 6 characters).
  CONSTRAINT events_columns_match_body CHECK (starts_with(substr(body, 7, 400),
    ',"plan":"' || plan_id || '","seq":' || seq || ',"type":"' || type || '",'))
);
CREATE INDEX events_tail ON events (tx, position);
CREATE INDEX events_open_plans ON events (plan_id, type) WHERE type IN ('plan.submitted', 'plan.closed');

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The ledger is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Also for sessions that claim to be replicas.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only;

-- Appends hold this row FOR SHARE; a takeover updates it.
CREATE TABLE term (
  only_row  boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (only_row),
  term      bigint  NOT NULL,
  holder    text    NOT NULL,
  taken_at  timestamptz NOT NULL
);
-- Renewals update this one, so that they never wait for appends.
CREATE TABLE term_liveness (
  only_row    boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (only_row),
  term        bigint  NOT NULL,
  renewed_at  timestamptz NOT NULL,
  resigned    boolean NOT NULL
);
INSERT INTO term (term, holder, taken_at) VALUES (0, '', now());
INSERT INTO term_liveness (term, renewed_at, resigned) VALUES (0, now(), true);
`;
