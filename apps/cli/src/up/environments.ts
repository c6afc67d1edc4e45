import type { DataDir } from './data-dir.ts';

interface Shared {
  base: Record<string, string>;
  namespace: string;
  dataDir: DataDir;
  natsUrl: string;
}

/** What the coordinator gets. Not the credentials for people's repositories: only workers have git. */
export function coordinatorEnvironment(
  o: Shared & { port: number; databaseUrl: string },
): Record<string, string> {
  const { base } = o;
  return {
    ...without(base, (name) => name.startsWith('SKEIN_GIT_')),
    ...common(o),
    SKEIN_PORT: String(o.port),
    SKEIN_SCHEMA: base['SKEIN_SCHEMA'] ?? o.namespace,
    DATABASE_URL: o.databaseUrl,
  };
}

/** What a worker gets. Not the database: nothing that a worker says counts until the ledger has it. */
export function workerEnvironment(o: Shared & { name: string; slots: number }): Record<string, string> {
  return {
    ...without(o.base, (name) => name === 'DATABASE_URL' || name === 'SKEIN_SCHEMA'),
    ...common(o),
    SKEIN_WORKER_ID: o.name,
    SKEIN_WORKER_SLOTS: String(o.slots),
    // Workers on one machine share the mirrors: a repository is fetched once.
    SKEIN_WORK_DIR: o.base['SKEIN_WORK_DIR'] ?? o.dataDir.work(),
  };
}

function common(o: Shared): Record<string, string> {
  return {
    NATS_URL: o.natsUrl,
    SKEIN_NAMESPACE: o.namespace,
    SKEIN_DATA_DIR: o.dataDir.path,
    SKEIN_ARTIFACTS_DIR: o.base['SKEIN_ARTIFACTS_DIR'] ?? o.dataDir.artifacts(),
  };
}

function without(env: Record<string, string>, drop: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !drop(name)));
}
