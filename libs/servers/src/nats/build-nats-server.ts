import { execFile } from 'node:child_process';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installOnce } from '../install-once.ts';
import { BUILT_NATS_VERSION, versionOf } from './version.ts';

const run = promisify(execFile);

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
      await goInstall(o.go, folder);
    },
  });
  const binary = await cachedNatsServer(o.cacheDir);
  if (binary === null) throw new NatsBuildError('the program that was built does not run');
  return binary;
}

function folderOf(cacheDir: string): string {
  return join(cacheDir, 'nats-server', `${BUILT_NATS_VERSION}-${process.platform}-${process.arch}`);
}

async function goInstall(go: string, folder: string): Promise<void> {
  const scratch = join(folder, 'build');
  const settings = {
    GOPATH: join(scratch, 'path'),
    GOCACHE: join(scratch, 'cache'),
    GOTMPDIR: join(scratch, 'tmp'),
    GOBIN: join(scratch, 'bin'),
    // Module folders are read-only by default, so that nobody could remove them.
    GOFLAGS: '-modcacherw',
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
  };
  await mkdir(settings.GOTMPDIR, { recursive: true });
  // `env` adds to what we inherited: the user's proxy settings must reach Go.
  const assignments = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const module = `github.com/nats-io/nats-server/v2@v${BUILT_NATS_VERSION}`;
  try {
    await run('env', [...assignments, go, 'install', '-trimpath', module], {
      cwd: scratch,
      timeout: BUILD_TIMEOUT_MS,
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (cause) {
    const output = ((cause as { stderr?: string }).stderr ?? '').trim().split('\n').slice(-3).join('; ');
    throw new NatsBuildError(output === '' ? 'the build failed' : output, { cause });
  }
  const program = join(folder, 'nats-server');
  await rename(join(settings.GOBIN, 'nats-server'), program);
  await chmod(program, 0o755);
  await rm(scratch, { recursive: true, force: true });
}

export class NatsBuildError extends Error {
  readonly code = 'nats-build-failed';
  readonly retry = 'later';

  constructor(problem: string, options?: ErrorOptions) {
    super(`nats-server could not be built: ${problem}`, options);
    this.name = 'NatsBuildError';
  }
}
