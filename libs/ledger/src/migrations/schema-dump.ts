import type { Client } from 'pg';

/**
 * The schema as text, from the catalog: the same on every Postgres version, whatever the schema is called.
 * The committed copy is schema.sql; a test compares. `sections` are in a fixed order, lines sorted by name.
 */
export async function dumpSchema(admin: Client, schema: string, runtimeUser: string): Promise<string> {
  const lines = async (text: string) =>
    (await admin.query<{ line: string }>(text, [schema])).rows.map(({ line }) => line);
  const sections = [
    await lines(TABLES),
    await lines(INDEXES),
    await lines(FUNCTIONS),
    await lines(TRIGGERS),
    await lines(GRANTS),
  ];
  const text = sections
    .map((section) => section.join('\n'))
    .filter((section) => section !== '')
    .join('\n\n')
    .replaceAll(`${schema}.`, '')
    .replaceAll(runtimeUser, 'the_runtime_role');
  return `-- What the migrations make, from the catalog. Not edited by hand: see README.md, 'The schema'.\n\n${text}\n`;
}

// NOT NULL is a constraint of its own from Postgres 18 on (contype n); columns say it already.
const TABLES = `
  SELECT format(E'CREATE TABLE %s (\\n%s\\n)%s;', c.relname,
    (SELECT string_agg(line, E',\\n' ORDER BY kind, place, line) FROM (
      SELECT 1 AS kind, a.attnum AS place, format('  %s %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN co.collname = 'C' THEN ' COLLATE "C"' ELSE '' END,
        CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
        CASE WHEN a.attidentity = 'a' THEN ' GENERATED ALWAYS AS IDENTITY'
          WHEN d.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) ELSE '' END) AS line
      FROM pg_attribute a
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      LEFT JOIN pg_collation co ON co.oid = a.attcollation
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      UNION ALL
      SELECT 2, 0, format('  CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid))
      FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n') l),
    coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '')) AS line
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY c.relname`;

const INDEXES = `
  SELECT pg_get_indexdef(i.indexrelid) || ';' AS line
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
  ORDER BY c.relname`;

const FUNCTIONS = `
  SELECT rtrim(pg_get_functiondef(p.oid), E'\\n') || ';' AS line
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 ORDER BY p.proname`;

const TRIGGERS = `
  SELECT pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'A' THEN '; -- also for replicas' ELSE ';' END AS line
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND NOT t.tgisinternal ORDER BY c.relname, t.tgname`;

const GRANTS = `
  SELECT format('GRANT %s ON %s TO %s;', string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type),
    g.table_name, g.grantee) AS line
  FROM information_schema.role_table_grants g
  WHERE g.table_schema = $1 AND g.grantee <> current_user GROUP BY g.table_name, g.grantee ORDER BY g.table_name`;
