/**
 * How a program of a step is shut in.
 * - `bubblewrap`: sees only what it is given; own processes, network, user; dies as a whole.
 * - `namespace`: unshare(1). Own processes and user, dies as a whole; but it reads and writes whatever the worker can.
 * - `process`: a process group and a hunt for descendants. Holds mistakes, not malice.
 */
export type SandboxKind = 'bubblewrap' | 'namespace' | 'process';

/** One program to run. Paths are absolute. */
export interface RunSpec {
  /** The program and its arguments; found by PATH. Shell text: `['/bin/sh', '-c', text]`. */
  argv: string[];
  cwd: string;
  /** Folders (or files) that the program may change. A `.git` at the top of one stays read-only under bubblewrap. */
  writable: string[];
  /** Seen read-only under bubblewrap; the other kinds see everything that the worker's user sees. */
  readable: string[];
  /** Below `writable` or `readable`, and yet empty for the program. Only bubblewrap can keep this promise. */
  hidden?: string[];
  /** All of the environment but PATH, HOME, TMPDIR and LANG, which the sandbox sets (and which this may override). */
  env: Record<string, string>;
  /** Without it bubblewrap gives a network with nothing but its own loopback. The other kinds cannot take it away. */
  network: boolean;
  limits: RunLimits;
  /** Text for the program's standard input; without it: empty. */
  stdin?: string;
  /**
   * A home folder that outlives the run, so that a set-up can leave something for later runs of the same lease.
   * Without it every run gets an empty one. Counts as writable.
   */
  home?: string;
  /**
   * Every byte that the program prints (standard output and error in one stream, in order), up to `outputBytes`.
   * When it returns a promise, nothing more is read before that is settled: the program waits, we do not buffer.
   */
  onOutput?(chunk: Buffer): void | Promise<void>;
}

export interface RunLimits {
  /** Wall clock of the run. */
  wallMs: number;
  /** Longest silence on the output. */
  idleMs: number;
  outputBytes: number;
  /** Resident memory of all its processes together. */
  memoryBytes: number;
  /** What all writable folders, its home and its temporary folder may hold together, what was there before included. */
  diskBytes: number;
  /** Processes alive at once. */
  processes: number;
}

export type RunEnd =
  | 'exited'
  | 'wall-timeout'
  | 'idle-timeout'
  | 'output-limit'
  | 'memory-limit'
  | 'disk-limit'
  | 'process-limit'
  | 'aborted'
  /** The program was never begun: a wrong spec, a missing folder, or the sandbox itself failed. */
  | 'not-started';

export interface RunResult {
  end: RunEnd;
  /** 128 + n when signal n ended it. Null when it was stopped or not started. */
  exitCode: number | null;
  /** Name of the signal that ended the program by itself (not by us). */
  signal: string | null;
  /** Beginning and end of the output for people: valid text, no terminal escapes, at most 64 KB of UTF-8. */
  output: string;
  /** How many bytes were printed (read, when it was stopped). */
  outputBytes: number;
  durationMs: number;
  /** One sentence for a person: why it ended. */
  message: string;
}

/** Whether the program ended by itself with exit code 0. */
export function succeeded(result: RunResult): boolean {
  return result.end === 'exited' && result.exitCode === 0;
}
