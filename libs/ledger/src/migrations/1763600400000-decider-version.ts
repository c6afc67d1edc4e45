import type { MigrationInterface, QueryRunner } from 'typeorm';
import { inSchema } from './in-schema.ts';

/**
 * Why: a coordinator that is older than the last decider must not decide: it would read events that it does not know
 * as if it knew them, and go on from there. Coordinators from before this migration cannot know that, so the ledger
 * refuses them the term. Nor may it write projections: it would leave out what it does not know, for good.
 * Locks: `term` for a moment; it waits for the appends in flight, and no longer than those of a hung decider live.
 * Old code beside it: yes. It may decide and project until the first term of a newer one, and stand by after that.
 */
export class DeciderVersion1763600400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await inSchema(runner, UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await inSchema(runner, DOWN);
  }
}

const UP = `
ALTER TABLE term
  -- Of the events that the last decider wrote. It only grows.
  ADD COLUMN event_version integer NOT NULL DEFAULT 1,
  -- What a taker says in the statement that takes the term; kept nowhere. Who says nothing writes version 1.
  ADD COLUMN writes integer;
ALTER TABLE projections
  -- The same, said by who moves the cursor.
  ADD COLUMN writes integer;

CREATE FUNCTION refuse_older_decider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(NEW.writes, 1) < OLD.event_version THEN
    RAISE EXCEPTION 'This coordinator writes events of version %, and one that writes version % has decided here since: start a coordinator of that version',
      coalesce(NEW.writes, 1), OLD.event_version USING ERRCODE = 'SK001';
  END IF;
  NEW.event_version := coalesce(NEW.writes, 1);
  NEW.writes := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER term_newest_decider BEFORE UPDATE ON term
  FOR EACH ROW WHEN (NEW.term IS DISTINCT FROM OLD.term) EXECUTE FUNCTION refuse_older_decider();

CREATE FUNCTION refuse_older_projector() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest integer;
BEGIN
  -- Read when the cursor moves: by then the term of whoever wrote the events has begun.
  EXECUTE format('SELECT event_version FROM %I.term', TG_TABLE_SCHEMA) INTO newest;
  IF coalesce(NEW.writes, 1) < newest THEN
    RAISE EXCEPTION 'This coordinator knows events up to version %, and version % is being written: it leaves the projections to newer ones',
      coalesce(NEW.writes, 1), newest USING ERRCODE = 'SK001';
  END IF;
  NEW.writes := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER projections_newest_projector BEFORE UPDATE ON projections
  FOR EACH ROW EXECUTE FUNCTION refuse_older_projector();
`;

const DOWN = `
DROP TRIGGER projections_newest_projector ON projections;
DROP FUNCTION refuse_older_projector;
ALTER TABLE projections DROP COLUMN writes;
DROP TRIGGER term_newest_decider ON term;
DROP FUNCTION refuse_older_decider;
ALTER TABLE term DROP COLUMN event_version, DROP COLUMN writes;
`;
