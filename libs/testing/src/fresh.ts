import { randomBytes } from 'node:crypto';
import { testServers } from './test-servers.ts';

export interface FreshDatabase {
  /** As superuser, to the new, empty database. */
  adminUrl: string;
  /** Also cuts connections that are still open. Not dropped: it goes with the server. */
  drop(): Promise<void>;
}

/** A name that no other test uses: for subjects, streams and consumers. */
export function freshNamespace(): string {
  return `t${randomBytes(6).toString('hex')}`;
}

export async function freshDatabase(): Promise<FreshDatabase> {
  const name = `t${randomBytes(6).toString('hex')}`;
  // template0: nobody can be connected to it, which would make CREATE DATABASE fail.
  await asAdmin(`CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(testServers().postgresAdminUrl);
  url.pathname = `/${name}`;
  return { adminUrl: url.href, drop: () => asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function asAdmin(statement: string): Promise<void> {
  // Loaded when it is needed: most specs that import this lib use no database.
  const { Client } = (await import('pg')).default;
  const client = new Client({ connectionString: testServers().postgresAdminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
