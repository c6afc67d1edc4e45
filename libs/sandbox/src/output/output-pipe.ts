import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OutputWindow } from './output-window.ts';

export interface OutputPipeOptions {
  /** Folder for the pipe while it has a name. */
  dir: string;
  limitBytes: number;
  onOutput(chunk: Buffer): void | Promise<void>;
  /** More than the limit was printed; nothing more is read. */
  onLimit(): void;
}

/**
 * The program's standard output and error: a FIFO, because Node's own pipes are sockets, on which a script's
 * `> /dev/stderr` fails. A reader that lags makes the program wait (64 KB in the kernel) and costs us no memory.
 */
export class OutputPipe {
  readonly window = new OutputWindow();
  private handedOver = 0;
  private activeAt = performance.now();
  private waiting = false;
  /** What onOutput threw first. */
  failure: unknown = null;
  private readonly ended: Promise<void>;

  private constructor(
    private readonly socket: Socket,
    private writeEnd: number | null,
    private readonly options: OutputPipeOptions,
  ) {
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('end', () => socket.destroy());
    socket.on('error', () => undefined); // 'close' follows
  }

  static async open(options: OutputPipeOptions): Promise<OutputPipe> {
    const path = join(options.dir, 'output');
    await promisify(execFile)('mkfifo', ['-m', '600', path], { env: { PATH: '/usr/bin:/bin' } });
    // The reader first and without waiting, so that opening the writer cannot block.
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, constants.O_WRONLY);
    unlinkSync(path);
    return new OutputPipe(new Socket({ fd: reader, readable: true, writable: false }), writer, options);
  }

  /** To be the program's descriptors 1; ours is closed once the program has its own. */
  get writeFd(): number {
    if (this.writeEnd === null) throw new Error('the write end was given away');
    return this.writeEnd;
  }

  giveAwayWriteEnd(): void {
    if (this.writeEnd !== null) closeSync(this.writeEnd);
    this.writeEnd = null;
    this.activeAt = performance.now();
  }

  get overLimit(): boolean {
    return this.window.bytes > this.options.limitBytes;
  }

  /** How long the program has been silent. Our own slowness is not its silence. */
  get silentMs(): number {
    return this.waiting ? 0 : performance.now() - this.activeAt;
  }

  /** Waits for what is still in the pipe, once its writers are gone. */
  async drain(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadlineMs)));
    await Promise.race([this.ended, deadline]);
    clearTimeout(timer);
    this.destroy();
  }

  destroy(): void {
    this.giveAwayWriteEnd();
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.activeAt = performance.now();
    const before = this.window.bytes;
    this.window.append(chunk);
    const room = this.options.limitBytes - this.handedOver;
    const kept = chunk.length > room ? chunk.subarray(0, Math.max(0, room)) : chunk;
    this.handedOver += kept.length;
    if (kept.length > 0) this.handOver(kept);
    if (before <= this.options.limitBytes && this.overLimit) {
      this.socket.destroy();
      this.options.onLimit();
    }
  }

  private handOver(chunk: Buffer): void {
    try {
      const taken = this.options.onOutput(chunk);
      if (taken === undefined) return;
      this.waiting = true;
      this.socket.pause();
      taken.then(
        () => this.goOn(),
        (error: unknown) => this.fail(error),
      );
    } catch (error) {
      this.fail(error);
    }
  }

  private goOn(): void {
    this.waiting = false;
    this.activeAt = performance.now();
    this.socket.resume();
  }

  /** A log that cannot be written must not stop the program: it goes on unheard, and that is logged. */
  private fail(error: unknown): void {
    this.failure ??= error;
    this.goOn();
  }
}
