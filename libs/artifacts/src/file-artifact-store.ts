import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, opendir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ArtifactKeyError, type ArtifactStore, type WritableArtifact } from './artifact-store.ts';
import { type Extent, measure } from './extent.ts';

export interface FileArtifactStoreOptions {
  /** Made if missing, readable by its owner only: transcripts may quote what a step printed. */
  rootDir: string;
  /** Most bytes that one opened artifact keeps. Default 64 MB. */
  maxBytes?: number;
}

const PART = /^[A-Za-z0-9._-]{1,200}$/;
const LONGEST_KEY = 1_000;
/** In no key (`~` is not a key's character), so an artifact in the making can never be read or overwritten by key. */
const UNFINISHED = '~';

function isPart(name: string): boolean {
  return PART.test(name) && name !== '.' && name !== '..';
}

/** Artifacts as files below one folder. Symlinks inside it are never followed. */
export class FileArtifactStore implements ArtifactStore {
  private readonly rootDir: string;
  private readonly maxBytes: number;

  constructor(options: FileArtifactStoreOptions) {
    this.rootDir = resolve(options.rootDir);
    this.maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  }

  async put(key: string, content: string | Buffer): Promise<void> {
    const path = this.pathOf(key);
    const unfinished = `${path}${UNFINISHED}${randomBytes(6).toString('hex')}`;
    await this.makeParent(path);
    try {
      await writeFile(unfinished, content, { mode: 0o600, flag: 'wx' });
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  async open(key: string): Promise<WritableArtifact> {
    const path = this.pathOf(key);
    await this.makeParent(path);
    // A reader that holds the old content keeps it; the new one starts as a file of its own.
    await rm(path, { force: true });
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    return new GrowingFile(await open(path, flags, 0o600), this.maxBytes);
  }

  async get(key: string, maxBytes: number, from = 0): Promise<Buffer | null> {
    const file = await this.openForReading(this.pathOf(key));
    if (file === null) return null;
    try {
      const { size } = await file.stat();
      const content = Buffer.alloc(Math.min(Math.max(0, size - from), maxBytes));
      const { bytesRead } = await file.read(content, 0, content.length, from);
      return content.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async size(key: string): Promise<number | null> {
    const file = await this.openForReading(this.pathOf(key));
    if (file === null) return null;
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  }

  async *list(): AsyncIterable<string> {
    const entries = await opendir(this.rootDir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (entries === null) return;
    for await (const { name } of entries) if (isPart(name)) yield name;
  }

  async measure(prefix: string): Promise<Extent> {
    return measure(this.pathOf(prefix));
  }

  async prune(prefix: string): Promise<Extent> {
    const path = this.pathOf(prefix);
    const extent = await measure(path);
    await rm(path, { recursive: true, force: true });
    return extent;
  }

  private pathOf(key: string): string {
    const parts = key.split('/');
    if (!parts.every(isPart) || key.length > LONGEST_KEY) throw new ArtifactKeyError(key);
    return join(this.rootDir, ...parts);
  }

  private async makeParent(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  }

  private async openForReading(path: string): Promise<FileHandle | null> {
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      if ((await file.stat()).isFile()) return file;
      await file.close();
      return null;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return null;
      throw error;
    }
  }
}

/** Appends in the order of the calls; what does not fit is dropped and said so in the artifact's last line. */
class GrowingFile implements WritableArtifact {
  private kept = 0;
  private dropped = false;
  private closed = false;
  private tail: Promise<void> = Promise.resolve();

  constructor(
    private readonly file: FileHandle,
    private readonly maxBytes: number,
  ) {}

  get truncated(): boolean {
    return this.dropped;
  }

  get bytes(): number {
    return this.kept;
  }

  append(chunk: string | Buffer): Promise<void> {
    if (this.closed) return Promise.resolve();
    const content = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk;
    const fits = content.subarray(0, this.maxBytes - this.kept);
    this.kept += fits.length;
    const overflows = fits.length < content.length && !this.dropped;
    if (fits.length < content.length) this.dropped = true;
    if (fits.length === 0 && !overflows) return this.tail;
    return this.enqueue(async () => {
      await writeFully(this.file, fits);
      if (overflows)
        await writeFully(this.file, Buffer.from(`\n[only the first ${this.maxBytes} bytes are kept]\n`));
    });
  }

  async close(): Promise<void> {
    if (this.closed) return this.tail.catch(() => undefined);
    this.closed = true;
    const written = this.tail;
    this.tail = written.catch(() => undefined).then(() => this.file.close());
    await this.tail;
    await written;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One write at a time: parallel writes without a position could swap their bytes. */
  private enqueue(write: () => Promise<void>): Promise<void> {
    const next = this.tail.then(write);
    this.tail = next;
    // Whoever awaits append or close sees the failure; nobody doing so must not crash the worker.
    next.catch(() => undefined);
    return next;
  }
}

async function writeFully(file: FileHandle, content: Buffer): Promise<void> {
  let written = 0;
  while (written < content.length) {
    written += (await file.write(content, written)).bytesWritten;
  }
}
