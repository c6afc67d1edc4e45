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

/** What a worker gets. Not the database, not who is paged: nothing that a worker says counts until the ledger has it. */
export function workerEnvironment(
  o: Shared & { name: string; index: number; slots: number },
): Record<string, string> {
  return {
    ...without(o.base, (name) => ONLY_COORDINATORS.has(name)),
    ...common(o),
    ...metricsPort(o.base['SKEIN_METRICS_PORT'], o.index),
    SKEIN_WORKER_ID: o.name,
    SKEIN_WORKER_SLOTS: String(o.slots),
    // Workers on one machine share the mirrors: a repository is fetched once.
    SKEIN_WORK_DIR: o.base['SKEIN_WORK_DIR'] ?? o.dataDir.work(),
  };
}

const ONLY_COORDINATORS: ReadonlySet<string> = new Set(['DATABASE_URL', 'SKEIN_SCHEMA', 'SKEIN_SINKS']);

/** Of one port for all workers, the first would get it and the others none. 0 is any free one, for each. */
function metricsPort(first: string | undefined, index: number): Record<string, string> {
  const port = Number(first?.trim() || 0);
  return port > 0 ? { SKEIN_METRICS_PORT: String(Math.min(port + index, 65_535)) } : {};
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
