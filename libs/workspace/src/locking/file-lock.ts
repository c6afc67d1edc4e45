import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLock, unlock } from 'fs-native-extensions';
import { GitError } from '../git/git-error.ts';

export interface HeldLock {
  /** To be handed to children: they hold the lock too, until they end. */
  fd: number;
  /** The holder before us died with the lock: what it was doing is half done. */
  abandoned: boolean;
}

const POLL_MS_MIN = 5;
const POLL_MS_MAX = 60;

/**
 * A lock between processes: a kernel lock on an open file, so that it is free as soon as its holder, and every child
 * that the holder gave it to, is dead. The file's text names the holder; text without a lock means that it died.
 * Within this process callers queue, first come first served.
 */
export class FileLock {
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly path: string,
    /** For the wait on other processes. Waiting in this process's queue is bounded by what those before us do. */
    private readonly timeoutMs: number,
    /** Aborted: nobody waits any more. */
    private readonly closing: AbortSignal,
  ) {}

  run<T>(purpose: string, work: (held: HeldLock) => Promise<T>): Promise<T> {
    const turn = this.tail.then(() => this.acquireAndRun(purpose, work));
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  private async acquireAndRun<T>(purpose: string, work: (held: HeldLock) => Promise<T>): Promise<T> {
    const file = await open(this.path, 'a+', 0o600);
    try {
      await this.acquire(file, purpose);
      try {
        const abandoned = (await file.stat()).size > 0;
        await file.truncate(0);
        await file.write(JSON.stringify({ pid: process.pid, purpose, at: new Date().toISOString() }));
        const result = await work({ fd: file.fd, abandoned });
        await file.truncate(0);
        return result;
      } catch (error) {
        // Only death leaves the holder's name behind: a failure has cleaned up after itself.
        await file.truncate(0);
        throw error;
      } finally {
        unlock(file.fd);
      }
    } finally {
      await file.close();
    }
  }

  private async acquire(file: FileHandle, purpose: string): Promise<void> {
    const deadline = performance.now() + this.timeoutMs;
    for (let pollMs = POLL_MS_MIN; !tryLock(file.fd); pollMs = Math.min(pollMs * 1.5, POLL_MS_MAX)) {
      if (this.closing.aborted) throw new GitError('GIT_CLOSED', purpose, '');
      if (performance.now() > deadline) {
        const holder = (await readAll(file)).slice(0, 300);
        throw new GitError(
          'GIT_LOCKED',
          purpose,
          `after ${this.timeoutMs} ms the mirror is still held by ${holder}`,
        );
      }
      await delay(pollMs * (0.5 + Math.random()));
    }
  }
}

async function readAll(file: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(512);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  return buffer.toString('utf8', 0, bytesRead);
}
