import type { ArtifactStore, WritableArtifact } from '#artifacts';
import { count, type Logger } from '#telemetry';
import { printable } from '../fixing/printable.ts';

/**
 * The whole output of an attempt, as it happened, in the artifact store. Nothing waits for it and nothing fails with
 * it: after the first error of the store the rest is dropped and said once in the worker's own log.
 */
export class AttemptLog implements AsyncDisposable {
  #artifact: WritableArtifact | null = null;
  #failed = false;

  private constructor(
    readonly key: string,
    private readonly log: Logger,
  ) {}

  static async open(store: ArtifactStore, key: string, log: Logger): Promise<AttemptLog> {
    const attemptLog = new AttemptLog(key, log);
    try {
      attemptLog.#artifact = await store.open(key);
    } catch (error) {
      attemptLog.#fail(error);
    }
    return attemptLog;
  }

  /** null when the store failed: better no key than one that leads nowhere. */
  get storedKey(): string | null {
    return this.#failed ? null : this.key;
  }

  /** A line of our own among the program's output. */
  note(text: string): void {
    void this.write(`[skein] ${printable(text)}\n`);
  }

  /** The program waits until its output is handed on, so that nothing piles up here. Never rejects. */
  readonly write = async (chunk: Buffer | string): Promise<void> => {
    if (this.#failed || this.#artifact === null) return;
    try {
      await this.#artifact.append(chunk);
    } catch (error) {
      this.#fail(error);
    }
  };

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#artifact?.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    count('artifactFailures', { kind: 'log' });
    this.log.warn({ err: error, key: this.key }, 'an attempt log could not be stored');
  }
}
