import { spawn, type ChildProcess } from 'node:child_process';
import type { Logger } from '#telemetry';
import { classifyFailure } from './failure.ts';
import { GitError } from './git-error.ts';
import { redactSecrets } from './secrets.ts';

export interface GitCall {
  /** For people and logs, e.g. `fetch`; never an argument. */
  action: string;
  args: readonly string[];
  /** null: git finds it itself (never for a repository of ours). */
  gitDir?: string | null;
  workTree?: string;
  /** Added to the fixed environment. */
  env?: Readonly<Record<string, string>>;
  stdin?: string | Buffer;
  /** Longest stdout; above it the command is ended. Default 64 MB. */
  maxBytes?: number;
  /** Take the first `maxBytes` and end the command instead of failing. */
  truncate?: boolean;
  timeoutMs?: number;
  /** Exit codes that are answers. Default: 0 alone. */
  answers?: readonly number[];
  /** Taken out of everything that is shown. */
  secrets?: readonly string[];
  /** Ends the command. */
  signal?: AbortSignal;
  /** The mirror lock's descriptor: git holds the lock too, should this process die before it. */
  lockFd?: number;
}

export interface GitAnswer {
  stdout: Buffer;
  stderr: string;
  exitCode: number;
  truncated: boolean;
}

/** Git on something: a mirror, or a worktree with what its lease has written. */
export interface GitRunner {
  run(call: GitCall): Promise<GitAnswer>;
  /** The answer as text, without the last newline. */
  text(call: GitCall): Promise<string>;
}

export interface GitOptions {
  gitPath: string;
  /** The whole environment of git, but what a call adds. */
  env: Readonly<Record<string, string>>;
  /** A folder of ours to run in: git is always told its directories. */
  cwd: string;
  timeoutMs: number;
  log: Logger;
}

type Ending = 'timeout' | 'output-limit' | 'truncated' | 'aborted' | 'closed';

const MAX_STDOUT_BYTES = 64 * 1024 * 1024;
const MAX_STDERR_BYTES = 64 * 1024;
/** How long git gets after SIGTERM to remove its lock files, before SIGKILL. */
const TERM_GRACE_MS = 2_000;

/**
 * The one way to run git. simple-git cannot do what is needed here: raw bytes in and out, a process group that is
 * killed as a whole (remote helpers, ssh), bounded output, and the lock's descriptor handed on.
 */
export class Git implements GitRunner {
  private readonly running = new Map<ChildProcess, (ending: Ending) => void>();
  private closed = false;

  constructor(private readonly o: GitOptions) {}

  async run(call: GitCall): Promise<GitAnswer> {
    if (this.closed) throw new GitError('GIT_CLOSED', call.action, '');
    if (call.signal?.aborted) throw new GitError('GIT_ABORTED', call.action, '');
    const startedAt = performance.now();
    const secrets = call.secrets ?? [];
    const end = await this.spawnAndCollect(call);
    const stderr = redactSecrets(end.stderr, secrets);
    const durationMs = Math.round(performance.now() - startedAt);
    this.o.log.debug(
      { action: call.action, exitCode: end.exitCode, durationMs, ending: end.ending },
      'git ran',
    );
    if (end.spawnError !== null) {
      const code = (end.spawnError as NodeJS.ErrnoException).code === 'ENOENT' ? 'GIT_MISSING' : 'GIT_FAILED';
      throw new GitError(code, call.action, redactSecrets(end.spawnError.message, secrets));
    }
    if (end.ending === 'timeout') throw new GitError('GIT_TIMEOUT', call.action, stderr);
    if (end.ending === 'aborted') throw new GitError('GIT_ABORTED', call.action, stderr);
    if (end.ending === 'closed') throw new GitError('GIT_CLOSED', call.action, stderr);
    if (end.ending === 'output-limit') throw new GitError('GIT_OUTPUT_LIMIT', call.action, stderr);
    const truncated = end.ending === 'truncated';
    if (truncated) return { stdout: end.stdout, stderr, exitCode: 0, truncated };
    if (end.exitCode !== null && (call.answers ?? [0]).includes(end.exitCode)) {
      return { stdout: end.stdout, stderr, exitCode: end.exitCode, truncated };
    }
    throw new GitError(classifyFailure(stderr), call.action, stderr, end.exitCode);
  }

  /** The answer as text, without the last newline. */
  async text(call: GitCall): Promise<string> {
    return (await this.run(call)).stdout.toString('utf8').replace(/\n$/, '');
  }

  async close(): Promise<void> {
    this.closed = true;
    const ends = [...this.running.keys()].map(
      (child) => new Promise((resolve) => child.once('close', resolve)),
    );
    for (const stop of this.running.values()) stop('closed');
    await Promise.all(ends);
  }

  private spawnAndCollect(call: GitCall): Promise<Collected> {
    const { promise, resolve } = Promise.withResolvers<Collected>();
    const argv = [
      ...(call.gitDir === undefined || call.gitDir === null ? [] : [`--git-dir=${call.gitDir}`]),
      ...(call.workTree === undefined ? [] : [`--work-tree=${call.workTree}`]),
      ...call.args,
    ];
    const child = spawn(this.o.gitPath, argv, {
      cwd: this.o.cwd,
      env: { ...this.o.env, ...call.env },
      // A group of its own, so that git's helpers end with it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', ...(call.lockFd === undefined ? [] : [call.lockFd])],
    });
    const stdout: Buffer[] = [];
    let stdoutBytes = 0;
    let stderr: Buffer = Buffer.alloc(0);
    let ending: Ending | null = null;
    let spawnError: Error | null = null;
    let killTimer: NodeJS.Timeout | undefined;
    const stop = (why: Ending) => {
      if (ending !== null) return;
      ending = why;
      signalGroup(child, 'SIGTERM');
      killTimer = setTimeout(() => signalGroup(child, 'SIGKILL'), TERM_GRACE_MS);
    };
    const timer = setTimeout(() => stop('timeout'), call.timeoutMs ?? this.o.timeoutMs);
    this.running.set(child, stop);
    const onAbort = () => stop('aborted');
    call.signal?.addEventListener('abort', onAbort, { once: true });

    const maxBytes = call.maxBytes ?? MAX_STDOUT_BYTES;
    child.stdout!.on('data', (chunk: Buffer) => {
      const room = maxBytes - stdoutBytes;
      if (room > 0) stdout.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      stdoutBytes += Math.min(chunk.length, Math.max(room, 0));
      if (chunk.length > room) stop(call.truncate === true ? 'truncated' : 'output-limit');
    });
    child.stderr!.on('data', (chunk: Buffer) => {
      stderr = Buffer.concat([stderr, chunk]);
      // The end of it says what went wrong.
      if (stderr.length > MAX_STDERR_BYTES) stderr = stderr.subarray(stderr.length - MAX_STDERR_BYTES);
    });
    // A command that ends early closes its stdin; its exit code says why.
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(call.stdin ?? '');
    child.once('error', (error) => {
      spawnError = error;
    });
    child.once('close', (exitCode) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      call.signal?.removeEventListener('abort', onAbort);
      // Whatever git started must not outlive it.
      if (ending !== null) signalGroup(child, 'SIGKILL');
      this.running.delete(child);
      resolve({
        stdout: Buffer.concat(stdout),
        stderr: stderr.toString('utf8'),
        exitCode,
        ending,
        spawnError,
      });
    });
    return promise;
  }
}

interface Collected {
  stdout: Buffer;
  stderr: string;
  exitCode: number | null;
  ending: Ending | null;
  spawnError: Error | null;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}
