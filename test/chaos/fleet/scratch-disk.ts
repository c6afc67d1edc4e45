import { execFile } from 'node:child_process';
import { open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SIZE_MB = 48;

/**
 * A small disk for one worker: a tmpfs that is mounted in that process's own mount namespace, so that it goes with the
 * process and nobody else ever sees it. Without root the namespace comes with a user namespace.
 */
export class ScratchDisk {
  /** Runs what follows with the folder on the small disk. */
  readonly wrapper: string[];
  private readonly folder: string;

  private constructor(folder: string, namespace: string[]) {
    this.folder = folder;
    const mount = `mount -t tmpfs -o size=${SIZE_MB}m,mode=700 skein-chaos "$0" && exec "$@"`;
    this.wrapper = ['unshare', ...namespace, 'sh', '-c', mount, folder];
  }

  /** Null: this machine does not allow it. `folder` must exist. */
  static async on(folder: string): Promise<ScratchDisk | null> {
    for (const namespace of [['--mount'], ['--user', '--map-root-user', '--mount']]) {
      const disk = new ScratchDisk(folder, namespace);
      const [command, ...args] = [...disk.wrapper, 'true'];
      const works = await run(command, args, { timeout: 10_000 }).then(
        () => true,
        () => false,
      );
      if (works) return disk;
    }
    return null;
  }

  /**
   * The disk as the process `pid` sees it, kept for as long as the handle is open, also when the process is gone. What is on
   * it is read through `/proc/self/fd`.
   */
  keep(pid: number): Promise<FileHandle> {
    return open(join(`/proc/${pid}/root`, this.folder), 'r');
  }

  /** To the last byte, as the process `pid` sees it. Returns what makes room again. */
  async fill(pid: number): Promise<() => Promise<void>> {
    const file = join(`/proc/${pid}/root`, this.folder, 'fill');
    await writeFile(file, Buffer.alloc(SIZE_MB * 1024 * 1024 + 1)).catch((error: NodeJS.ErrnoException) => {
      // Full is what it should be; a worker that died meanwhile took its disk with it.
      if (error.code !== 'ENOSPC' && error.code !== 'ENOENT') throw error;
    });
    return () => rm(file, { force: true }).catch(() => undefined);
  }
}
