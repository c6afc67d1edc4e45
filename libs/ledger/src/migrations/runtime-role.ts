import { createHash, createHmac } from 'node:crypto';
import type { Client } from 'pg';

/** Who the coordinator connects as: it may write events and owns nothing. */
export interface RuntimeRole {
  user: string;
  password: string;
}

/**
 * The role for this database and schema. Roles belong to the whole server, so the name holds both; the password
 * follows from the administrator's, so that replicas that migrate one after the other agree without a secret store.
 * null: the url has no password to derive from.
 */
export function derivedRole(adminUrl: string, database: string, schema: string): RuntimeRole | null {
  const adminPassword = URL.canParse(adminUrl) ? new URL(adminUrl).password : '';
  if (adminPassword === '') return null;
  const user = `${schema}_${createHash('sha256').update(database).digest('hex').slice(0, 8)}_runtime`;
  const password = createHmac('sha256', decodeURIComponent(adminPassword))
    .update(`skein ${user}`)
    .digest('hex');
  return { user, password };
}

export function urlFor(adminUrl: string, role: RuntimeRole): string {
  const url = new URL(adminUrl);
  url.username = encodeURIComponent(role.user);
  url.password = encodeURIComponent(role.password);
  return url.href;
}

/** Makes the role if it is not there (an administrator may have made it), and gives it what it needs. */
export async function ensureRole(admin: Client, role: RuntimeRole, derived: boolean): Promise<void> {
  const { rowCount } = await admin.query('SELECT FROM pg_roles WHERE rolname = $1', [role.user]);
  if (rowCount !== 0 && !derived) return;
  await admin.query(
    `${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${admin.escapeIdentifier(role.user)}
     LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD ${admin.escapeLiteral(role.password)}`,
  );
}

/** Everything that the runtime role may do. Nothing more: no UPDATE or DELETE on events, no ownership. */
const GRANTS: Record<string, string> = {
  events: 'SELECT, INSERT',
  term: 'SELECT, UPDATE',
  term_liveness: 'SELECT, UPDATE',
  projections: 'SELECT, UPDATE',
  plans: 'SELECT, INSERT, UPDATE, DELETE',
  steps: 'SELECT, INSERT, UPDATE, DELETE',
  attempts: 'SELECT, INSERT, UPDATE, DELETE',
  sinks: 'SELECT, INSERT, UPDATE',
  pages: 'SELECT, INSERT, UPDATE, DELETE',
};

export async function grantRuntime(admin: Client, schema: string, user: string): Promise<void> {
  const role = admin.escapeIdentifier(user);
  const statements = [
    `GRANT USAGE ON SCHEMA ${schema} TO ${role}`,
    ...Object.entries(GRANTS).map(([table, rights]) => `GRANT ${rights} ON ${schema}.${table} TO ${role}`),
  ];
  await admin.query(statements.join(';\n'));
}
