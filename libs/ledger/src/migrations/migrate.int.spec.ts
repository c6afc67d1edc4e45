import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import pg from 'pg';
import { silentLogger as log } from '#telemetry';
import { freshDatabase, type FreshDatabase } from '#testing';
import { EMPTY_HEAD } from '../chain/event-body.ts';
import { LedgerDatabase } from '../postgres/ledger-database.ts';
import { PostgresLedger } from '../postgres/postgres-ledger.ts';
import { PostgresTerms } from '../postgres/postgres-terms.ts';
import { MIGRATIONS } from './all.ts';
import { migrate } from './migrate.ts';
import { removeLedger } from './remove-ledger.ts';
import { dumpSchema } from './schema-dump.ts';

jest.setTimeout(60_000);

const SCHEMA_SQL = fileURLToPath(new URL('../../schema.sql', import.meta.url));

let fresh: FreshDatabase;
let admin: pg.Client;

beforeEach(async () => {
  fresh = await freshDatabase();
  admin = new pg.Client({ connectionString: fresh.adminUrl });
  await admin.connect();
});
afterEach(async () => {
  await admin?.end();
  await fresh?.drop();
});

async function appendsOne(url: string, schema: string): Promise<void> {
  await using database = new LedgerDatabase({ url, schema, log });
  const { term } = (await new PostgresTerms(database).campaign('a'))!;
  const results = await new PostgresLedger(database).appendAll(term, [
    {
      planId: 'plan1',
      expected: EMPTY_HEAD,
      at: '2026-11-20T12:00:00.000Z',
      traceparent: null,
      events: [{ type: 'plan.closed', data: {} }],
    },
  ]);
  expect(results).toMatchObject([{ status: 'appended' }]);
}

describe('migrating', () => {
  it('any number of replicas at once all succeed, and one of them does the work', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => migrate({ adminUrl: fresh.adminUrl, log })));
    expect(all.flatMap(({ applied }) => applied)).toEqual(MIGRATIONS.map(({ name }) => name));
    expect(new Set(all.map(({ runtimeUrl }) => runtimeUrl)).size).toBe(1);
    expect(await migrate({ adminUrl: fresh.adminUrl, log })).toMatchObject({ applied: [], separated: true });
    await appendsOne(all[0]!.runtimeUrl, 'skein');
  });

  it('makes the schema that is committed in schema.sql', async () => {
    const { runtimeUrl } = await migrate({ adminUrl: fresh.adminUrl, schema: 'some_fleet', log });
    const dump = await dumpSchema(admin, 'some_fleet', new URL(runtimeUrl).username);
    expect(dump).toBe(await readFile(SCHEMA_SQL, 'utf8'));
  });

  it('heeds what else the url says', async () => {
    const adminUrl = `${fresh.adminUrl}?sslmode=disable&options=${encodeURIComponent('-c search_path=public')}`;
    const { runtimeUrl } = await migrate({ adminUrl, log });
    await appendsOne(runtimeUrl, 'skein');
    const strays = await admin.query(`SELECT FROM pg_tables WHERE schemaname = 'public'`);
    expect(strays.rowCount).toBe(0);
  });

  it('keeps fleets of one database apart', async () => {
    const [one, two] = await Promise.all(
      ['fleet_one', 'fleet_two'].map((schema) => migrate({ adminUrl: fresh.adminUrl, schema, log })),
    );
    await appendsOne(one!.runtimeUrl, 'fleet_one');
    await appendsOne(two!.runtimeUrl, 'fleet_two');
    await expect(appendsOne(one!.runtimeUrl, 'fleet_two')).rejects.toThrow('permission denied');
  });

  it('gives the rights to a role that the operator chose', async () => {
    const role = { user: `chosen_${process.pid}_${Date.now()}`, password: "it's ${secret}" };
    const migrated = await migrate({ adminUrl: fresh.adminUrl, runtime: role, log });
    expect(migrated.separated).toBe(true);
    expect(decodeURIComponent(new URL(migrated.runtimeUrl).username)).toBe(role.user);
    await appendsOne(migrated.runtimeUrl, 'skein');
  });

  it('works with one role where roles cannot be made, and the trigger still protects', async () => {
    const name = `plain_${process.pid}_${Date.now()}`;
    await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'pw'`);
    await admin.query(`GRANT CREATE ON DATABASE ${new URL(fresh.adminUrl).pathname.slice(1)} TO ${name}`);
    const url = new URL(fresh.adminUrl);
    url.username = name;
    url.password = 'pw';
    const migrated = await migrate({ adminUrl: url.href, log });
    expect(migrated).toMatchObject({ separated: false, runtimeUrl: url.href });
    await appendsOne(migrated.runtimeUrl, 'skein');
    const owner = new pg.Client({ connectionString: url.href });
    await owner.connect();
    await expect(owner.query('DELETE FROM skein.events')).rejects.toThrow('append-only');
    await owner.end();
  });

  it('leaves a schema alone that holds what Skein did not make', async () => {
    await admin.query('CREATE SCHEMA skein; CREATE TABLE skein.theirs (x int)');
    await expect(migrate({ adminUrl: fresh.adminUrl, log })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('something that Skein did not make') as string,
    });
    const tables = await admin.query(`SELECT FROM pg_tables WHERE schemaname = 'skein'`);
    expect(tables.rowCount).toBe(1);
  });

  it.each(['public', 'pg_mine', 'Big', 'a"b', '', 'x'.repeat(41)])(
    'refuses the schema name %j before it connects',
    async (schema) => {
      await expect(migrate({ adminUrl: 'postgres://nowhere:1/x', schema, log })).rejects.toThrow(RangeError);
    },
  );

  it('says what is wrong when the server is not there', async () => {
    await expect(migrate({ adminUrl: 'postgres://a:b@127.0.0.1:1/x', log })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      retry: 'later',
    });
  });
});

describe('removing', () => {
  it('leaves nothing of a fleet, and nothing else is touched', async () => {
    const adminUrl = fresh.adminUrl;
    const [gone, kept] = await Promise.all(
      ['gone', 'kept'].map((schema) => migrate({ adminUrl, schema, log })),
    );
    await appendsOne(gone!.runtimeUrl, 'gone');
    await removeLedger({ adminUrl, schema: 'gone' });
    await removeLedger({ adminUrl, schema: 'gone' });
    const left = await admin.query(
      `SELECT nspname AS name FROM pg_namespace WHERE nspname IN ('gone', 'kept')
       UNION ALL SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)`,
      [[gone, kept].map((migrated) => new URL(migrated!.runtimeUrl).username)],
    );
    expect(left.rows).toEqual([{ name: 'kept' }, { name: new URL(kept!.runtimeUrl).username }]);
    await appendsOne(kept!.runtimeUrl, 'kept');
  });

  it('refuses a schema that Skein did not make', async () => {
    await admin.query('CREATE SCHEMA theirs; CREATE TABLE theirs.migrations (x int)');
    await expect(removeLedger({ adminUrl: fresh.adminUrl, schema: 'theirs' })).rejects.toThrow(
      'did not make',
    );
    expect((await admin.query('SELECT FROM theirs.migrations')).rowCount).toBe(0);
  });
});
