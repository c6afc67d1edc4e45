import pg from 'pg';
import { silentLogger } from '#telemetry';
import { migrate } from './migrate.ts';
import { dumpSchema } from './schema-dump.ts';

/** `node dist/libs/ledger/src/migrations/schema-dump-main.js ADMIN_URL > libs/ledger/schema.sql` */
const [adminUrl] = process.argv.slice(2);
if (!adminUrl)
  throw new Error('Give the url of a Postgres administrator; a schema is made there and dropped again.');

const schema = `dump_${process.pid}`;
const { runtimeUrl } = await migrate({ adminUrl, schema, log: silentLogger });
const admin = new pg.Client({ connectionString: adminUrl });
await admin.connect();
try {
  const runtimeUser = decodeURIComponent(new URL(runtimeUrl).username);
  process.stdout.write(await dumpSchema(admin, schema, runtimeUser));
  await admin.query(`DROP SCHEMA ${schema} CASCADE; DROP ROLE ${admin.escapeIdentifier(runtimeUser)}`);
} finally {
  await admin.end();
}
