import type { MigrationInterface, QueryRunner } from 'typeorm';
import { inSchema } from './in-schema.ts';

/**
 * Why: a coordinator that is older than the last decider must not move a sink's cursor either: events that it does not
 * know would never be paged. It may still hold a sink for a moment after a newer one took the term.
 * Locks: `sinks` for a moment; only the making and settling of pages waits.
 * Old code beside it: yes. Its pages wait for a newer one from the first term of that one on.
 */
export class PagerVersion1763600500000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await inSchema(runner, UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await inSchema(runner, DOWN);
  }
}

const UP = `
-- What who moves the cursor says; kept nowhere. Who says nothing knows version 1.
ALTER TABLE sinks ADD COLUMN writes integer;

CREATE FUNCTION refuse_older_pager() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest integer;
BEGIN
  -- Read when the cursor moves: by then the term of whoever wrote the events has begun.
  EXECUTE format('SELECT event_version FROM %I.term', TG_TABLE_SCHEMA) INTO newest;
  IF coalesce(NEW.writes, 1) < newest THEN
    RAISE EXCEPTION 'This coordinator knows events up to version %, and version % is being written: it leaves the pages to newer ones',
      coalesce(NEW.writes, 1), newest USING ERRCODE = 'SK001';
  END IF;
  NEW.writes := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER sinks_newest_pager BEFORE UPDATE OF tx, position ON sinks
  FOR EACH ROW EXECUTE FUNCTION refuse_older_pager();
`;

const DOWN = `
DROP TRIGGER sinks_newest_pager ON sinks;
DROP FUNCTION refuse_older_pager;
ALTER TABLE sinks DROP COLUMN writes;
`;
