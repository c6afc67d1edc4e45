import type { Extent } from './extent.ts';

/**
 * Where transcripts, logs and diffs go. Nothing waits for it and nothing is decided by it: a lost artifact is shown as lost.
 * Keys are slash paths of `[A-Za-z0-9._-]` parts, such as `plans/p1/s17/1/log`; no part is `.` or `..`.
 */
export interface ArtifactStore {
  /** Replaces what was there, as a whole: readers see the old or the new content. Throws ArtifactKeyError. */
  put(key: string, content: string | Buffer): Promise<void>;
  /** A new artifact that grows, readable while it does. Replaces what was there. */
  open(key: string): Promise<WritableArtifact>;
  /** At most `maxBytes` of it, from the byte `from` on (default: the first); null when there is none. */
  get(key: string, maxBytes: number, from?: number): Promise<Buffer | null>;
  /** Bytes of it; null when there is none. */
  size(key: string): Promise<number | null>;
  /** The first parts of all keys, each once, in any order. Never holds them all. */
  list(): AsyncIterable<string>;
  /** How much is below the prefix (whole parts: `plans/p1` is not `plans/p10`). */
  measure(prefix: string): Promise<Extent>;
  /** Removes everything below the prefix, and says how much it was. */
  prune(prefix: string): Promise<Extent>;
}

export interface WritableArtifact {
  /** Resolves when the bytes are handed to the system. Past the store's limit bytes are counted, not kept. */
  append(chunk: string | Buffer): Promise<void>;
  /** True once something was not kept. */
  readonly truncated: boolean;
  /** Bytes kept. */
  readonly bytes: number;
  /** May be called more than once. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A key that no store accepts. */
export class ArtifactKeyError extends Error {
  readonly code = 'ARTIFACT_KEY';
  readonly retry = 'never';

  constructor(readonly key: string) {
    super(`not an artifact key: ${JSON.stringify(key.slice(0, 200))}`);
    this.name = 'ArtifactKeyError';
  }
}
