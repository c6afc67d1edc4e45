import { open, type FileHandle } from 'node:fs/promises';
import { createRequire } from 'node:module';

// The package has no types of its own.
const locks = createRequire(import.meta.url)('fs-native-extensions') as {
  tryLock(fd: number): boolean;
  waitForLock(fd: number): Promise<void>;
};

/** An exclusive lock between processes; the kernel gives it back when its holder dies, kill -9 included. */
export class HostLock implements AsyncDisposable {
  private constructor(private readonly file: FileHandle) {}

  /** Null: somebody alive holds it. */
  static async tryTake(path: string): Promise<HostLock | null> {
    const file = await open(path, 'a+', 0o600);
    if (locks.tryLock(file.fd)) return new HostLock(file);
    await file.close();
    return null;
  }

  /** For locks that are held for milliseconds. */
  static async take(path: string): Promise<HostLock> {
    const file = await open(path, 'a+', 0o600);
    await locks.waitForLock(file.fd);
    return new HostLock(file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
  }
}
