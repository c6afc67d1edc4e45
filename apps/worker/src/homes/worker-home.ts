import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { removeTree } from '#sandbox';
import type { Logger } from '#telemetry';
import { HostLock } from './host-lock.ts';

/** The id is in use by another live worker of this host. */
export class WorkerIdTakenError extends Error {
  readonly code = 'worker-id-taken';
  readonly retry = 'never';
  constructor(worker: string) {
    super(`another worker of this host is named ${worker}; give each its own id`);
    this.name = 'WorkerIdTakenError';
  }
}

/** What a sweep needs of libs/workspace: worktrees are known to their mirrors as well. */
export interface SweepableMirrors {
  sweep(isLive: (leaseDir: string) => boolean): Promise<number>;
}

/**
 * All disk of one worker but what the workers of a host share, the mirrors and what was found of bases:
 *
 *   <work>/mirrors/
 *   <work>/baselines/
 *   <work>/workers/<worker>/owner.lock   held while the worker lives
 *   <work>/workers/<worker>/leases/      a folder per lease
 *   <work>/workers/<worker>/runs/        homes and temporary folders of single programs
 */
export class WorkerHome implements AsyncDisposable {
  readonly leasesDir: string;
  readonly runsDir: string;

  private constructor(
    private readonly workersDir: string,
    private readonly dir: string,
    private readonly owner: HostLock,
    private readonly log: Logger,
  ) {
    this.leasesDir = join(dir, 'leases');
    this.runsDir = join(dir, 'runs');
  }

  static mirrorsDir(workDir: string): string {
    return join(workDir, 'mirrors');
  }

  static baselinesDir(workDir: string): string {
    return join(workDir, 'baselines');
  }

  /** Takes the worker's folder and empties it of what an earlier life left there. Throws WorkerIdTakenError. */
  static async open(workDir: string, worker: string, log: Logger): Promise<WorkerHome> {
    const workersDir = join(workDir, 'workers');
    const dir = join(workersDir, worker);
    await mkdir(workersDir, { recursive: true, mode: 0o700 });
    // A sweep must not see a folder between its making and its locking.
    return inTurn(workersDir, async () => {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const owner = await HostLock.tryTake(join(dir, 'owner.lock'));
      if (owner === null) throw new WorkerIdTakenError(worker);
      const home = new WorkerHome(workersDir, dir, owner, log);
      for (const left of [home.leasesDir, home.runsDir]) {
        await removeTree(left);
        await mkdir(left, { recursive: true, mode: 0o700 });
      }
      return home;
    });
  }

  /** Removes what dead workers left: their worktrees from the mirrors, then their folders. */
  async sweep(mirrors: SweepableMirrors): Promise<void> {
    await inTurn(this.workersDir, async () => {
      const { live, dead } = await this.#others();
      // Worktrees of this worker's earlier life go too: it has taken no lease yet.
      const worktrees = await mirrors.sweep((path) => live.some((dir) => path.startsWith(dir + sep)));
      for (const dir of dead) await removeTree(dir);
      if (worktrees + dead.length > 0) {
        this.log.info({ worktrees, workers: dead.length }, 'removed what dead workers had left');
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await inTurn(this.workersDir, async () => {
      await removeTree(this.dir);
      await this.owner[Symbol.asyncDispose]();
    });
  }

  async #others(): Promise<{ live: string[]; dead: string[] }> {
    const found: { live: string[]; dead: string[] } = { live: [], dead: [] };
    for (const entry of await readdir(this.workersDir, { withFileTypes: true })) {
      const dir = join(this.workersDir, entry.name);
      if (!entry.isDirectory() || dir === this.dir) continue;
      const lock = await HostLock.tryTake(join(dir, 'owner.lock'));
      found[lock === null ? 'live' : 'dead'].push(await realpath(dir));
      await lock?.[Symbol.asyncDispose]();
    }
    return found;
  }
}

/** One worker of the host at a time makes, sweeps or removes folders. */
async function inTurn<T>(workersDir: string, work: () => Promise<T>): Promise<T> {
  const turn = await HostLock.take(join(workersDir, 'sweep.lock'));
  try {
    return await work();
  } finally {
    await turn[Symbol.asyncDispose]();
  }
}
