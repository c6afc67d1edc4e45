-- What the migrations make, from the catalog. Not edited by hand: see README.md, 'The schema'.

CREATE TABLE attempts (
  plan_id text COLLATE "C" NOT NULL,
  ordinal integer NOT NULL,
  attempt integer NOT NULL,
  seq bigint NOT NULL,
  CONSTRAINT attempts_pkey PRIMARY KEY (plan_id, ordinal, attempt)
);
CREATE TABLE events (
  position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
  plan_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  type text COLLATE "C" NOT NULL,
  body text NOT NULL,
  prev_hash text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL,
  CONSTRAINT events_columns_match_body CHECK (starts_with(substr(body, 7, 400), ((((((',"plan":"'::text || plan_id) || '","seq":'::text) || seq) || ',"type":"'::text) || type) || '",'::text))),
  CONSTRAINT events_pkey PRIMARY KEY (plan_id, seq),
  CONSTRAINT events_seq_check CHECK ((seq > 0))
);
CREATE TABLE migrations (
  id integer NOT NULL DEFAULT nextval('migrations_id_seq'::regclass),
  timestamp bigint NOT NULL,
  name character varying NOT NULL,
  CONSTRAINT "PK_8c82d7f526340ab734260ea46be" PRIMARY KEY (id)
);
CREATE TABLE pages (
  id text COLLATE "C" NOT NULL,
  number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  sink text COLLATE "C" NOT NULL,
  plan_id text COLLATE "C" NOT NULL,
  incident text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  content text NOT NULL,
  state text COLLATE "C" NOT NULL DEFAULT 'waiting'::text,
  open boolean NOT NULL,
  made_at timestamp with time zone NOT NULL,
  due_at timestamp with time zone NOT NULL,
  held_until timestamp with time zone,
  tries integer NOT NULL DEFAULT 0,
  first_tried_at timestamp with time zone,
  settled_at timestamp with time zone,
  CONSTRAINT pages_pkey PRIMARY KEY (id)
) WITH (fillfactor=70);
CREATE TABLE plans (
  plan_id text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  name text NOT NULL,
  tenant text NOT NULL,
  status text COLLATE "C" NOT NULL,
  submitted_at text NOT NULL,
  ended_at text,
  base_sha text,
  counts text NOT NULL,
  needs text NOT NULL,
  integration text,
  reason text,
  head_seq bigint NOT NULL,
  head_hash text NOT NULL,
  closed boolean NOT NULL,
  labels text NOT NULL DEFAULT '{}'::text,
  params text NOT NULL DEFAULT '{}'::text,
  priority integer NOT NULL DEFAULT 0,
  label_terms text[] COLLATE "C" NOT NULL DEFAULT '{}'::text[],
  CONSTRAINT plans_pkey PRIMARY KEY (plan_id)
) WITH (fillfactor=70);
CREATE TABLE projections (
  name text COLLATE "C" NOT NULL,
  tx xid8 NOT NULL,
  position bigint NOT NULL,
  writes integer,
  CONSTRAINT projections_pkey PRIMARY KEY (name)
);
CREATE TABLE sinks (
  name text COLLATE "C" NOT NULL,
  tx xid8 NOT NULL,
  position bigint NOT NULL,
  failures integer NOT NULL DEFAULT 0,
  failing_since timestamp with time zone,
  resume_at timestamp with time zone,
  last_success_at timestamp with time zone,
  last_error_at timestamp with time zone,
  last_error text,
  given_up bigint NOT NULL DEFAULT 0,
  writes integer,
  CONSTRAINT sinks_pkey PRIMARY KEY (name)
);
CREATE TABLE steps (
  plan_id text COLLATE "C" NOT NULL,
  ordinal integer NOT NULL,
  name text NOT NULL,
  kind text COLLATE "C" NOT NULL,
  definition integer,
  state text COLLATE "C" NOT NULL,
  epoch integer NOT NULL,
  attempts_used integer NOT NULL,
  leases_lost integer NOT NULL,
  not_before text,
  reason text,
  worker text,
  started_at text,
  ended_at text,
  commit_sha text,
  commit_ref text,
  outputs text,
  CONSTRAINT steps_pkey PRIMARY KEY (plan_id, ordinal)
) WITH (fillfactor=70);
CREATE TABLE term (
  only_row boolean NOT NULL DEFAULT true,
  term bigint NOT NULL,
  holder text NOT NULL,
  taken_at timestamp with time zone NOT NULL,
  event_version integer NOT NULL DEFAULT 1,
  writes integer,
  CONSTRAINT term_only_row_check CHECK (only_row),
  CONSTRAINT term_pkey PRIMARY KEY (only_row)
);
CREATE TABLE term_liveness (
  only_row boolean NOT NULL DEFAULT true,
  term bigint NOT NULL,
  renewed_at timestamp with time zone NOT NULL,
  resigned boolean NOT NULL,
  CONSTRAINT term_liveness_only_row_check CHECK (only_row),
  CONSTRAINT term_liveness_pkey PRIMARY KEY (only_row)
);

CREATE INDEX events_open_plans ON events USING btree (plan_id, type) WHERE (type = ANY (ARRAY['plan.submitted'::text, 'plan.closed'::text]));
CREATE INDEX events_tail ON events USING btree (tx, "position");
CREATE INDEX pages_incident ON pages USING btree (incident, sink);
CREATE INDEX pages_open ON pages USING btree (sink, plan_id) WHERE open;
CREATE INDEX pages_waiting ON pages USING btree (sink, number) WHERE (state = 'waiting'::text);
CREATE INDEX plans_by_age ON plans USING btree (submitted_at COLLATE "C");
CREATE INDEX plans_by_label ON plans USING gin (label_terms);
CREATE INDEX plans_by_name ON plans USING btree (lower((name COLLATE "C")), "position");
CREATE INDEX plans_by_status ON plans USING btree (status, "position");
CREATE INDEX plans_by_tenant ON plans USING btree (tenant, "position");
CREATE INDEX plans_newest ON plans USING btree ("position");

CREATE OR REPLACE FUNCTION refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'The ledger is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $function$;
CREATE OR REPLACE FUNCTION refuse_older_decider()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF coalesce(NEW.writes, 1) < OLD.event_version THEN
    RAISE EXCEPTION 'This coordinator writes events of version %, and one that writes version % has decided here since: start a coordinator of that version',
      coalesce(NEW.writes, 1), OLD.event_version USING ERRCODE = 'SK001';
  END IF;
  NEW.event_version := coalesce(NEW.writes, 1);
  NEW.writes := NULL;
  RETURN NEW;
END $function$;
CREATE OR REPLACE FUNCTION refuse_older_pager()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;
CREATE OR REPLACE FUNCTION refuse_older_projector()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;

CREATE TRIGGER events_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(); -- also for replicas
CREATE TRIGGER projections_newest_projector BEFORE UPDATE ON projections FOR EACH ROW EXECUTE FUNCTION refuse_older_projector();
CREATE TRIGGER sinks_newest_pager BEFORE UPDATE OF tx, "position" ON sinks FOR EACH ROW EXECUTE FUNCTION refuse_older_pager();
CREATE TRIGGER term_newest_decider BEFORE UPDATE ON term FOR EACH ROW WHEN ((new.term IS DISTINCT FROM old.term)) EXECUTE FUNCTION refuse_older_decider();

GRANT DELETE, INSERT, SELECT, UPDATE ON attempts TO the_runtime_role;
GRANT INSERT, SELECT ON events TO the_runtime_role;
GRANT DELETE, INSERT, SELECT, UPDATE ON pages TO the_runtime_role;
GRANT DELETE, INSERT, SELECT, UPDATE ON plans TO the_runtime_role;
GRANT SELECT, UPDATE ON projections TO the_runtime_role;
GRANT INSERT, SELECT, UPDATE ON sinks TO the_runtime_role;
GRANT DELETE, INSERT, SELECT, UPDATE ON steps TO the_runtime_role;
GRANT SELECT, UPDATE ON term TO the_runtime_role;
GRANT SELECT, UPDATE ON term_liveness TO the_runtime_role;
