import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { childEnvironment } from '#config';
import type { Logger } from '#telemetry';
import { usableCacheDir } from '../cache-dir.ts';
import { buildNatsServer, cachedNatsServer } from './build-nats-server.ts';
import { findDockerImage } from './docker.ts';
import { isNewEnough, OLDEST_NATS, versionOf } from './version.ts';

/** A way to run nats-server. */
export type NatsProgram =
  | { kind: 'binary'; path: string; version: string; source: 'path' | 'cache' | 'built' }
  | { kind: 'docker'; docker: string; image: string };

export interface FindOptions {
  log: Logger;
  cacheDir?: string;
  /** Where `nats-server`, `go` and `docker` are looked for. Default: the PATH of this process. */
  path?: string;
  onProgress?: (line: string) => void;
}

/**
 * In this order: on PATH if new enough; our cached build; a build with Go; a Docker engine that answers.
 * What was tried and why it was passed over is in the error. Throws NatsServerNotFoundError.
 */
export async function findNatsServer(o: FindOptions): Promise<NatsProgram> {
  const cacheDir = usableCacheDir(o.cacheDir);
  const path = o.path ?? childEnvironment()['PATH'] ?? '';
  const tried: string[] = [];

  for (const candidate of await executables('nats-server', path)) {
    const version = await versionOf(candidate);
    if (version !== null && isNewEnough(version))
      return { kind: 'binary', path: candidate, version, source: 'path' };
    tried.push(
      `${candidate}: ${version === null ? 'does not tell its version' : `version ${version} is too old`}`,
    );
  }

  const cached = await cachedNatsServer(cacheDir);
  if (cached !== null) return { kind: 'binary', ...cached, source: 'cache' };

  const [go] = await executables('go', path);
  if (go === undefined) tried.push('go: not on PATH');
  else {
    const built = await buildNatsServer({ go, cacheDir, ...progressOf(o) }).catch((error: unknown) => {
      tried.push(`${go}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    });
    if (built !== null) return { kind: 'binary', ...built, source: 'built' };
  }

  const [docker] = await executables('docker', path);
  if (docker === undefined) tried.push('docker: not on PATH');
  else {
    const image = await findDockerImage(docker, o.onProgress);
    if ('image' in image) return { kind: 'docker', docker, image: image.image };
    tried.push(`${docker}: ${image.problem}`);
  }
  o.log.debug({ tried }, 'No nats-server found');
  throw new NatsServerNotFoundError(tried);
}

async function executables(name: string, path: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of path.split(delimiter)) {
    if (!folder.startsWith('/')) continue;
    const candidate = join(folder, name);
    const usable = await access(candidate, constants.X_OK).then(
      async () => (await stat(candidate)).isFile(),
      () => false,
    );
    if (usable && !found.includes(candidate)) found.push(candidate);
  }
  return found;
}

function progressOf(o: FindOptions): { onProgress?: (line: string) => void } {
  return o.onProgress === undefined ? {} : { onProgress: o.onProgress };
}

export class NatsServerNotFoundError extends Error {
  readonly code = 'nats-server-not-found';
  readonly retry = 'never';

  constructor(readonly tried: string[]) {
    super(
      [
        `No nats-server ${OLDEST_NATS.major}.${OLDEST_NATS.minor} or newer was found. Any one of these helps:`,
        '  - Linux: the nats-server package or archive from https://github.com/nats-io/nats-server/releases on PATH,',
        '    or Go 1.25 or newer (we then build it ourselves), or a running Docker engine',
        '  - macOS: `brew install nats-server`, or `brew install go`, or Docker Desktop',
        '  - Windows: run Skein inside WSL2 and do as on Linux',
        '  - or set NATS_URL to a server of yours (with JetStream)',
        'Tried:',
        ...tried.map((line) => `  - ${line}`),
      ].join('\n'),
    );
    this.name = 'NatsServerNotFoundError';
  }
}
