import pg from 'pg';

/** TypeORM's own, made by the migrations. */
const NOT_OURS = ['migrations'];

/**
 * All rows of a fleet's schema as SQL. Each event's bytes are exactly those that were hashed. Transaction ids are those
 * of who restores it: the ones of then mean nothing in another Postgres, and a tail reader would wait for them.
 */
export async function rowsAsSql(url: string, schema = 'skein'): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const statements: string[] = [];
    for (const table of await tablesOf(client, schema)) {
      statements.push(...(await rowsOf(client, schema, table)));
    }
    const sequence = `pg_get_serial_sequence('${schema}.events', 'position')`;
    statements.push(`SELECT setval(${sequence}, (SELECT max(position) FROM ${schema}.events))`);
    return `${statements.join(';\n')};\n`;
  } finally {
    await client.end();
  }
}

/** Into a schema that the version of the rows has just made. One transaction: it is all there or nothing is. */
export async function restoreRows(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`BEGIN;\n${sql}COMMIT;`);
  } finally {
    await client.end();
  }
}

async function tablesOf(client: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 ORDER BY table_name',
    [schema],
  );
  return rows.map(({ name }) => name).filter((name) => !NOT_OURS.includes(name));
}

async function rowsOf(client: pg.Client, schema: string, table: string): Promise<string[]> {
  const { rows: columns } = await client.query<{ name: string; type: string }>(
    `SELECT column_name AS name, udt_name AS type FROM information_schema.columns
     WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position`,
    [schema, table],
  );
  const order = columns.some(({ name }) => name === 'position') ? 'position' : '1';
  const texts = columns.map(({ name }) => `${name}::text AS ${name}`).join(', ');
  const { rows } = await client.query<Record<string, string | null>>(
    `SELECT ${texts} FROM ${schema}.${table} t ORDER BY t.${order === '1' ? columns[0]!.name : order}`,
  );
  const names = columns.map(({ name }) => name).join(', ');
  const inserts = rows.map((row) => {
    const values = columns.map(({ name, type }) => valueOf(client, row[name] ?? null, type)).join(', ');
    return `INSERT INTO ${schema}.${table} (${names}) OVERRIDING SYSTEM VALUE VALUES (${values})`;
  });
  return table === 'events' ? inserts : [`DELETE FROM ${schema}.${table}`, ...inserts];
}

function valueOf(client: pg.Client, text: string | null, type: string): string {
  if (text === null) return 'NULL';
  return type === 'xid8' ? 'pg_current_xact_id()' : client.escapeLiteral(text);
}
