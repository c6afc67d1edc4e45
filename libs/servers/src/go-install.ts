import { execFile } from 'node:child_process';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface GoInstall {
  go: string;
  /** What is built, with its version: `github.com/nats-io/nats-server/v2@v2.12.0`. */
  source: string;
  /** Name of the program that the build makes. */
  program: string;
  /** Where the program goes; modules and caches are below it while it is built. */
  folder: string;
  timeoutMs: number;
  /** The build takes two thirds of the time, and the program runs slower: for tests. */
  unoptimized?: boolean;
}

/** Builds a program, once, without a trace of the build. Throws GoInstallError. */
export async function goInstall(o: GoInstall): Promise<void> {
  const scratch = join(o.folder, 'build');
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
  try {
    const flags = ['-trimpath', '-ldflags=-s -w', ...(o.unoptimized ? ['-gcflags=all=-N -l'] : [])];
    await run('env', [...assignments, o.go, 'install', ...flags, o.source], {
      cwd: scratch,
      timeout: o.timeoutMs,
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (cause) {
    throw new GoInstallError(((cause as { stderr?: string }).stderr ?? '').trim(), { cause });
  }
  const program = join(o.folder, o.program);
  await rename(join(settings.GOBIN, o.program), program);
  await chmod(program, 0o755);
  await rm(scratch, { recursive: true, force: true });
}

export class GoInstallError extends Error {
  readonly code = 'go-install-failed';
  readonly retry = 'later';

  constructor(
    /** All that Go said. */
    readonly output: string,
    options?: ErrorOptions,
  ) {
    const words = output.split('\n').slice(-3).join('; ');
    super(words === '' ? 'the build failed' : words, options);
    this.name = 'GoInstallError';
  }
}
