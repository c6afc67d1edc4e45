/** The schema that a fleet's tables live in, unless it is told another: fleets can share a database. */
export const DEFAULT_SCHEMA = 'skein';

/** Lower case, so that it needs no quotes anywhere; short, so that role names derived from it fit 63 bytes. */
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,39}$/;

/** The name, or an error: it is put into SQL text, where no parameter can stand. */
export function checkedSchema(name: string): string {
  if (!SCHEMA_NAME.test(name) || name.startsWith('pg_') || name === 'public') {
    throw new RangeError(
      `The schema name ${JSON.stringify(name)} is not usable: lower-case letters, digits and _, at most 40.`,
    );
  }
  return name;
}
