import pg from 'pg';
import { MigrationError } from '../errors.ts';
import { checkedSchema } from '../postgres/schema-name.ts';
import { derivedRole } from './runtime-role.ts';

/**
 * Takes a whole fleet's schema away, with every event: for demos and tests that made one under a name of their own
 * in somebody else's database. A schema that `migrate` did not make is refused. The role that `migrate` derived goes
 * too; a chosen one stays.
 */
export async function removeLedger(o: { adminUrl: string; schema: string }): Promise<void> {
  const schema = checkedSchema(o.schema);
  const admin = new pg.Client({
    connectionString: o.adminUrl,
    application_name: 'skein remove',
    connectionTimeoutMillis: 10_000,
    lock_timeout: 10_000,
  });
  try {
    await admin.connect();
    const ours = await admin.query<{ database: string; there: boolean; ours: boolean }>(
      `SELECT current_database() AS database, to_regnamespace($1) IS NOT NULL AS there,
         to_regclass($1 || '.migrations') IS NOT NULL AND to_regclass($1 || '.term_liveness') IS NOT NULL AS ours`,
      [schema],
    );
    const row = ours.rows[0];
    if (!row?.there) return;
    if (!row.ours) throw new Error('it holds something that Skein did not make');
    await admin.query(`DROP SCHEMA ${schema} CASCADE`);
    const role = derivedRole(o.adminUrl, row.database, schema);
    if (role) await admin.query(`DROP ROLE IF EXISTS ${admin.escapeIdentifier(role.user)}`);
  } catch (error) {
    throw new MigrationError(schema, error);
  } finally {
    await admin.end().catch(() => undefined);
  }
}
