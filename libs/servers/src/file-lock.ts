import { open, type FileHandle } from 'node:fs/promises';
import { createRequire } from 'node:module';

// The package has no types of its own.
const locks = createRequire(import.meta.url)('fs-native-extensions') as {
  tryLock(fd: number): boolean;
  unlock(fd: number): void;
};

/**
 * An exclusive lock between processes. The kernel gives it back when its holder dies, kill -9 included,
 * so a lock that is held has a live holder. The holder's pid is in the file, for messages only.
 */
export class FileLock {
  private constructor(private file: FileHandle | null) {}

  /** Null when another process (or another part of this one) holds it. */
  static async tryAcquire(path: string): Promise<FileLock | null> {
    const file = await open(path, 'a+', 0o600);
    try {
      if (!locks.tryLock(file.fd)) {
        await file.close();
        return null;
      }
      await file.truncate(0);
      await file.write(`${process.pid}\n`);
      return new FileLock(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Waits its turn; `onWait` is told once when somebody else has it. Throws LockTimeoutError. */
  static async acquire(path: string, timeoutMs: number, onWait?: () => void): Promise<FileLock> {
    const deadline = Date.now() + timeoutMs;
    for (let told = false; ;) {
      const lock = await FileLock.tryAcquire(path);
      if (lock !== null) return lock;
      if (!told) onWait?.();
      told = true;
      if (Date.now() > deadline) throw new LockTimeoutError(path, timeoutMs);
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }

  static async holderPid(path: string): Promise<number | null> {
    const file = await open(path, 'r').catch(() => null);
    if (file === null) return null;
    try {
      const pid = Number.parseInt(await file.readFile('utf8'), 10);
      return Number.isInteger(pid) ? pid : null;
    } finally {
      await file.close();
    }
  }

  async release(): Promise<void> {
    const file = this.file;
    this.file = null;
    await file?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

export class LockTimeoutError extends Error {
  readonly code = 'lock-timeout';
  readonly retry = 'later';

  constructor(
    readonly path: string,
    readonly waitedMs: number,
  ) {
    super(`Another process has held ${path} for ${Math.round(waitedMs / 1000)} s.`);
    this.name = 'LockTimeoutError';
  }
}
