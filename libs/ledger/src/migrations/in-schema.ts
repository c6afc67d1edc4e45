import type { QueryRunner } from 'typeorm';

/** Runs SQL that names its tables without a schema, so that every fleet gets the same ones in its own. */
export async function inSchema(runner: QueryRunner, sql: string): Promise<void> {
  const { options } = runner.dataSource;
  const schema = 'schema' in options ? options.schema : undefined;
  if (!schema) throw new Error('a migration runs in a schema of its own');
  await runner.query(`SET LOCAL search_path TO ${schema}`);
  await runner.query(sql);
}
