import { join } from 'node:path';
import { goInstall, GoInstallError } from '../go-install.ts';
import { installOnce } from '../install-once.ts';
import { BUILT_NATS_VERSION, versionOf } from './version.ts';

/** 2 cores and an empty module cache: 70 s. A slow network gets some more. */
const BUILD_TIMEOUT_MS = 15 * 60_000;

export interface NatsBinary {
  path: string;
  version: string;
}

export async function cachedNatsServer(cacheDir: string): Promise<NatsBinary | null> {
  const path = join(folderOf(cacheDir), 'nats-server');
  const version = await versionOf(path);
  return version === null ? null : { path, version };
}

/** Two that start at once build once. Nothing of the build stays but the program. Throws NatsBuildError. */
export async function buildNatsServer(o: {
  go: string;
  cacheDir: string;
  onProgress?: (line: string) => void;
}): Promise<NatsBinary> {
  await installOnce({
    target: folderOf(o.cacheDir),
    timeoutMs: BUILD_TIMEOUT_MS + 60_000,
    isUsable: async () => (await cachedNatsServer(o.cacheDir)) !== null,
    onWait: () => o.onProgress?.('Waiting for another process that builds nats-server ...'),
    fill: async (folder) => {
      o.onProgress?.(`Building nats-server ${BUILT_NATS_VERSION} with Go (once, a minute or two) ...`);
      await install(o.go, folder);
    },
  });
  const binary = await cachedNatsServer(o.cacheDir);
  if (binary === null) throw new NatsBuildError('the program that was built does not run');
  return binary;
}

function folderOf(cacheDir: string): string {
  return join(cacheDir, 'nats-server', `${BUILT_NATS_VERSION}-${process.platform}-${process.arch}`);
}

async function install(go: string, folder: string): Promise<void> {
  const source = `github.com/nats-io/nats-server/v2@v${BUILT_NATS_VERSION}`;
  try {
    await goInstall({ go, source, program: 'nats-server', folder, timeoutMs: BUILD_TIMEOUT_MS });
  } catch (cause) {
    if (!(cause instanceof GoInstallError)) throw cause;
    throw new NatsBuildError(cause.message, { cause });
  }
}

export class NatsBuildError extends Error {
  readonly code = 'nats-build-failed';
  readonly retry = 'later';

  constructor(problem: string, options?: ErrorOptions) {
    super(`nats-server could not be built: ${problem}`, options);
    this.name = 'NatsBuildError';
  }
}
