import {
  closeSync,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  existsSync,
} from 'node:fs';

const BYTES_MAX = 8 * 1024 * 1024;

/**
 * The log file of one child, bounded: at most the current file and the two before, 8 MB each (and what a child
 * prints between two looks). The child writes to the file itself, not through a pipe of ours: it must be able to
 * say its last words when the launcher was killed.
 */
export class ChildLog {
  /** Opened for appending: after a truncation the child goes on at the start, not at its old offset. */
  readonly fd: number;

  constructor(
    readonly path: string,
    private readonly bytesMax = BYTES_MAX,
  ) {
    this.fd = openSync(path, 'a+', 0o600);
  }

  /** Called now and then by the owner. Lines written during the copy may be lost; a log can bear that. */
  rotateIfLarge(): void {
    if (fstatSync(this.fd).size <= this.bytesMax) return;
    const previous = `${this.path}.1`;
    if (existsSync(previous)) renameSync(previous, `${this.path}.2`);
    copyFileSync(this.path, previous);
    ftruncateSync(this.fd, 0);
  }

  /** The last lines, for telling why a child ended. */
  tail(lines = 8): string[] {
    const size = fstatSync(this.fd).size;
    const length = Math.min(size, 16_384);
    const buffer = Buffer.alloc(length);
    readSync(this.fd, buffer, 0, length, size - length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines);
  }

  close(): void {
    closeSync(this.fd);
  }
}
