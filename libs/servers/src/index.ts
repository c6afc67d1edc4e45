export { CacheDirUnsafeError, usableCacheDir } from './cache-dir.ts';
export { DataDirInUseError } from './data-dir.ts';
export { FileLock, LockTimeoutError } from './file-lock.ts';
export { freePort, LOOPBACK } from './free-port.ts';
export { goInstall, GoInstallError } from './go-install.ts';
export { installOnce } from './install-once.ts';
export {
  findNatsServer,
  type FindOptions,
  type NatsProgram,
  NatsServerNotFoundError,
} from './nats/find-nats-server.ts';
export { OLDEST_NATS } from './nats/version.ts';
export { type NatsOptions, type NatsServer, NatsStartError, startNats } from './nats/nats-server.ts';
export { PostgresNotFoundError } from './postgres/binaries.ts';
export {
  type PostgresOptions,
  type PostgresServer,
  PostgresStartError,
  startPostgres,
} from './postgres/postgres-server.ts';
export { PostgresRefusesRootError } from './postgres/unprivileged.ts';
export { type Exit, ServerWontStopError } from './server-process.ts';
export { stopServersBelow } from './runs/leftovers.ts';
export { RunRegistry, type Swept } from './runs/run-registry.ts';
export { Run } from './runs/run.ts';
