import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#telemetry';
import type { Launch } from './launching/launch.ts';
import type { Scratch } from './launching/scratch.ts';
import { OutputPipe } from './output/output-pipe.ts';
import { plainText } from './output/plain-text.ts';
import { Lifeline } from './processes/lifeline.ts';
import type { ProcessTable } from './processes/process-table.ts';
import { ProcessTree } from './processes/process-tree.ts';
import type { RunResult, RunSpec } from './run-spec.ts';
import { DiskWatch } from './watching/disk-watch.ts';
import { bytesText } from './watching/quantities.ts';
import { RunWatch, type Stop } from './watching/run-watch.ts';

export interface ExecutionOptions {
  launch: Launch;
  spec: RunSpec;
  scratch: Scratch;
  table: ProcessTable;
  log: Logger;
  graceMs: number;
  pollMs: number;
}

interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The launcher itself could not be started. */
  error: Error | null;
}

const LAUNCHER_WORDS_BYTES = 8_192;
const DRAIN_MS = 10_000;

/**
 * One run, in this order: start, watch, stop if need be, end every process, empty the pipe, tell.
 * Nothing is told before the last process is gone.
 */
export class Execution {
  private launcherWords = '';

  constructor(private readonly options: ExecutionOptions) {}

  async run(signal: AbortSignal): Promise<RunResult> {
    const { spec, scratch, log } = this.options;
    const startedAt = performance.now();
    let watch: RunWatch | null = null;
    let disk: DiskWatch | null = null;
    const pipe = await OutputPipe.open({
      dir: scratch.dir,
      limitBytes: spec.limits.outputBytes,
      onOutput: (chunk) => spec.onOutput?.(chunk),
      onLimit: () => watch?.outputLimitReached(),
    });
    const lifeline = Lifeline.tie(this.options.launch.marker);
    try {
      const child = this.start(pipe);
      const exited = exitOf(child);
      if (child.pid === undefined) return this.told(await exited, null, pipe, startedAt);
      const tree = this.growTree(child, child.pid);
      lifeline.follow(child.pid);
      disk = new DiskWatch(this.countedFolders(), spec.limits.diskBytes);
      watch = new RunWatch({ spec, tree, pipe, disk, signal, log, pollMs: this.options.pollMs });
      const stop = await this.untilNothingLives(tree, exited, watch);
      if (stop === null) await pipe.drain(DRAIN_MS);
      return this.told(await exited, stop ?? (await watch.finalStop()), pipe, startedAt);
    } finally {
      watch?.close();
      disk?.close();
      await lifeline.cut();
      pipe.destroy();
      if (pipe.failure !== null) log.warn({ err: pipe.failure }, 'the output of a run could not be kept');
    }
  }

  private countedFolders(): string[] {
    const { spec, scratch } = this.options;
    return [...spec.writable, ...(spec.home === undefined ? [] : [spec.home]), ...scratch.writable];
  }

  /** Resolves with why the program was stopped, or with null when it ended by itself. */
  private async untilNothingLives(
    tree: ProcessTree,
    exited: Promise<Exit>,
    watch: RunWatch,
  ): Promise<Stop | null> {
    try {
      const stop = await Promise.race([watch.stopped, exited.then(() => null)]);
      if (stop?.gently) await this.terminate(tree, exited);
      return stop;
    } finally {
      watch.close();
      await tree.extinguish();
      await exited;
    }
  }

  private start(pipe: OutputPipe): ChildProcess {
    const { launch, spec, scratch } = this.options;
    const descriptors: number[] = [];
    const opened = (path: string) => {
      const fd = openSync(path, 'r');
      descriptors.push(fd);
      return fd;
    };
    try {
      const input = opened(spec.stdin === undefined ? '/dev/null' : writeInput(scratch, spec.stdin));
      const extra = launch.argumentsFile === null ? [] : [opened(launch.argumentsFile), 'pipe' as const];
      if (launch.argumentsFile !== null) unlinkSync(launch.argumentsFile);
      const child = spawn(launch.file, launch.args, {
        cwd: launch.cwd,
        env: launch.env,
        detached: true,
        stdio: [input, pipe.writeFd, 'pipe', ...extra],
      });
      child.stderr?.on('data', (chunk: Buffer) => this.listen(chunk));
      return child;
    } finally {
      for (const fd of descriptors) closeSync(fd);
      pipe.giveAwayWriteEnd();
    }
  }

  /** Only the launcher has this stream: the program's own standard error goes to the pipe. */
  private listen(chunk: Buffer): void {
    this.launcherWords = (this.launcherWords + chunk.toString('utf8')).slice(0, LAUNCHER_WORDS_BYTES);
  }

  private growTree(child: ChildProcess, launcher: number): ProcessTree {
    const { table, log, launch } = this.options;
    const tree = new ProcessTree({
      table,
      log,
      launcher,
      namespace: launch.namespace,
      marker: launch.marker,
    });
    let info = '';
    (child.stdio[4] as Readable | null | undefined)?.on('data', (chunk: Buffer) => {
      info = (info + chunk.toString('utf8')).slice(0, 4_096);
      const init = /"child-pid":\s*(\d+)/.exec(info);
      if (init !== null) tree.adoptInit(Number(init[1]));
    });
    return tree;
  }

  private async terminate(tree: ProcessTree, exited: Promise<Exit>): Promise<void> {
    // What cannot be asked to end is ended.
    await tree.signalPrograms('SIGTERM').catch(() => undefined);
    const waiting = new AbortController();
    await Promise.race([
      exited,
      sleep(this.options.graceMs, null, { signal: waiting.signal }).catch(() => null),
    ]);
    waiting.abort();
  }

  private told(exit: Exit, stop: Stop | null, pipe: OutputPipe, startedAt: number): RunResult {
    const facts = {
      output: pipe.window.text(),
      outputBytes: pipe.window.bytes,
      durationMs: Math.round(performance.now() - startedAt),
    };
    if (stop !== null)
      return { end: stop.end, exitCode: null, signal: null, message: stop.message, ...facts };
    const failure = this.launchFailure(exit);
    if (failure !== null)
      return { end: 'not-started', exitCode: null, signal: null, message: failure, ...facts };
    const signalNumber = exit.signal === null ? (exit.code ?? 0) - 128 : constants.signals[exit.signal];
    const exitCode = exit.signal === null ? (exit.code ?? 0) : 128 + signalNumber;
    const signal = signalName(signalNumber);
    if (signal === 'SIGXFSZ') {
      const limit = bytesText(this.options.spec.limits.diskBytes);
      return { end: 'disk-limit', exitCode, signal, message: `wrote a file larger than ${limit}`, ...facts };
    }
    const message =
      signal === null ? `ended with exit code ${exitCode}` : `ended by ${signal} (exit code ${exitCode})`;
    return { end: 'exited', exitCode, signal, message, ...facts };
  }

  private launchFailure(exit: Exit): string | null {
    if (exit.error !== null) return `the sandbox could not be started: ${exit.error.message}`;
    if (this.launcherWords === '' || exit.code === 0) return null;
    return `the sandbox could not be set up: ${plainText(this.launcherWords).trim()}`;
  }
}

/** A file and no pipe: a program that does not read it must not make us wait. */
function writeInput(scratch: Scratch, text: string): string {
  const path = join(scratch.dir, 'input');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    // Not 'close': a stream that somebody holds open must not keep the result.
    child.once('exit', (code, signal) => resolve({ code, signal, error: null }));
  });
}

function signalName(number: number): string | null {
  if (number <= 0) return null;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;
}
