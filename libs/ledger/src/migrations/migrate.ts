import pg from 'pg';
import type { Logger } from '#telemetry';
import { MigrationError } from '../errors.ts';
import { checkedSchema, DEFAULT_SCHEMA } from '../postgres/schema-name.ts';
import { MIGRATIONS } from './all.ts';
import { derivedRole, ensureRole, grantRuntime, urlFor, type RuntimeRole } from './runtime-role.ts';

export interface MigrateOptions {
  /** Of the role that shall own the ledger. */
  adminUrl: string;
  schema?: string;
  /** A runtime role of the caller's choice (made if missing); default: one derived from the url. */
  runtime?: RuntimeRole;
  /** How long to wait for somebody else who is migrating. */
  lockTimeoutMs?: number;
  log: Logger;
}

export interface Migrated {
  /** What LedgerDatabase should connect with. */
  runtimeUrl: string;
  /** False: owner and runtime are one role, because it may not make roles or its url has no password. */
  separated: boolean;
  /** Names of the migrations that this call ran. */
  applied: string[];
}

/**
 * Brings the schema up to date and names the role to run with. Any number of replicas may call it at once:
 * an advisory lock lets one work while the others wait and then find nothing to do.
 */
export async function migrate(o: MigrateOptions): Promise<Migrated> {
  const schema = checkedSchema(o.schema ?? DEFAULT_SCHEMA);
  const admin = new pg.Client({
    connectionString: o.adminUrl,
    application_name: 'skein migrate',
    connectionTimeoutMillis: 10_000,
    lock_timeout: o.lockTimeoutMs ?? 60_000,
  });
  admin.on('error', (error) => o.log.warn({ err: error }, 'the migration connection broke'));
  try {
    await admin.connect();
    // Held by the session: whatever happens to this process, it ends with the connection.
    await admin.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`skein migrate ${schema}`]);
    await ensureSchema(admin, schema);
    const applied = await runMigrations(o.adminUrl, schema);
    if (applied.length > 0) o.log.info({ schema, applied }, 'ledger migrated');
    return { applied, ...(await giveRuntimeRole(admin, schema, o)) };
  } catch (error) {
    throw error instanceof MigrationError ? error : new MigrationError(schema, error);
  } finally {
    await admin.end().catch(() => undefined);
  }
}

/** A schema of that name that is not ours is left alone. */
async function ensureSchema(admin: pg.Client, schema: string): Promise<void> {
  const found = await admin.query<{ tables: string; ours: boolean }>(
    `SELECT count(c.oid) AS tables, coalesce(bool_or(c.relname = 'migrations'), false) AS ours
     FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid
     WHERE n.nspname = $1 GROUP BY n.oid`,
    [schema],
  );
  const [row] = found.rows;
  if (!row) await admin.query(`CREATE SCHEMA ${schema}`);
  else if (Number(row.tables) > 0 && !row.ours) {
    throw new MigrationError(
      schema,
      new Error('the schema exists and holds something that Skein did not make'),
    );
  }
}

/** TypeORM is loaded here and nowhere else: commands that do not migrate start without it. */
async function runMigrations(adminUrl: string, schema: string): Promise<string[]> {
  const { DataSource } = await import('typeorm');
  const source = new DataSource({
    type: 'postgres',
    url: adminUrl,
    schema,
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    installExtensions: false,
    logging: false,
    extra: { max: 2 },
  });
  await source.initialize();
  try {
    const ran = await source.runMigrations();
    return ran.map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}

async function giveRuntimeRole(
  admin: pg.Client,
  schema: string,
  o: MigrateOptions,
): Promise<Omit<Migrated, 'applied'>> {
  const me = await admin.query<{ database: string; may: boolean }>(
    `SELECT current_database() AS database, rolsuper OR rolcreaterole AS may
     FROM pg_roles WHERE rolname = current_user`,
  );
  const { database, may } = me.rows[0] ?? { database: '', may: false };
  const role = o.runtime ?? (may ? derivedRole(o.adminUrl, database, schema) : null);
  if (!role) {
    o.log.warn(
      { schema, mayCreateRoles: may },
      'the ledger runs as its owner: give DATABASE_URL a role with a password and CREATEROLE to separate them',
    );
    return { runtimeUrl: o.adminUrl, separated: false };
  }
  await ensureRole(admin, role, o.runtime === undefined);
  await grantRuntime(admin, schema, role.user);
  return { runtimeUrl: urlFor(o.adminUrl, role), separated: true };
}
