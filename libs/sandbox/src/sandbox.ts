import { count, type Logger } from '#telemetry';
import { Execution } from './execution.ts';
import { launchInBubblewrap } from './launching/bubblewrap.ts';
import type { Launch } from './launching/launch.ts';
import { Scratch } from './launching/scratch.ts';
import { launchAsProcess, launchInNamespace } from './launching/shell-launch.ts';
import { closeInheritedDescriptors } from './processes/inherited-descriptors.ts';
import { ProcessTable } from './processes/process-table.ts';
import { findProgram } from './programs.ts';
import type { RunResult, RunSpec, SandboxKind } from './run-spec.ts';
import { specProblem } from './spec-problem.ts';
import { abortedBy } from './watching/run-watch.ts';

export interface SandboxOptions {
  kind: SandboxKind;
  log: Logger;
  /** Read-only for every run, beside the system's folders and those of PATH. What is not there is left out. */
  readable: string[];
  /** Writable for every run, and not counted by any: caches that the operator shares between steps. */
  extraWritable: string[];
  /**
   * The worker's own folders (mirrors, leases, artifacts, keys): bubblewrap shows nothing of them but what a run is
   * given, even when they lie in a folder that runs see, such as /opt. The scratch root is always among them.
   */
  hidden?: string[];
  /** PATH of every run (stepEnvironment().PATH of libs/config). Its folders are visible. */
  path: string;
  /** LANG of every run. Default C.UTF-8. */
  lang?: string;
  /** Folder for homes and temporary folders of runs; made if missing. What a run leaves there is removed at its end. */
  scratchRoot: string;
  /** Between SIGTERM and SIGKILL. Default 2,000. */
  graceMs?: number;
  /** Between two looks at clocks, memory, disk and processes. Default 250. */
  pollMs?: number;
}

/** One for all sandboxes of this process: see ProcessTable. */
const table = new ProcessTable();

/** Runs hostile programs. When `run` resolves, no process of the program is alive, whatever it did. */
export class Sandbox {
  readonly kind: SandboxKind;
  private swept: Promise<void> | null = null;

  constructor(private readonly options: SandboxOptions) {
    this.kind = options.kind;
  }

  /** Never throws for what the program does or for a wrong spec: see RunResult.end. */
  async run(spec: RunSpec, signal: AbortSignal): Promise<RunResult> {
    const result = await this.runShutIn(spec, signal);
    count('sandboxEnds', { sandbox: this.kind, end: result.end });
    return result;
  }

  private async runShutIn(spec: RunSpec, signal: AbortSignal): Promise<RunResult> {
    const problem = await specProblem(spec);
    if (problem !== null) return notBegun('not-started', problem);
    if (signal.aborted) return notBegun('aborted', abortedBy(signal).message);
    this.closeInherited();
    this.swept ??= Scratch.sweep(this.options.scratchRoot);
    await this.swept;
    const scratch = await Scratch.create(this.options.scratchRoot);
    try {
      const launch = await this.prepare(spec, scratch);
      if (typeof launch === 'string') return notBegun('not-started', launch);
      const { log, graceMs = 2_000, pollMs = 250 } = this.options;
      return await new Execution({ launch, spec, scratch, table, log, graceMs, pollMs }).run(signal);
    } catch (error) {
      // Out of memory or descriptors, no mkfifo: nothing runs, see Execution.
      this.options.log.error({ err: error }, 'a run failed for reasons of the host');
      return notBegun(
        'not-started',
        `the sandbox failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    } finally {
      await scratch.remove().catch((error: unknown) => {
        this.options.log.warn(
          { err: error, dir: scratch.dir },
          'the scratch folder of a run could not be removed',
        );
      });
    }
  }

  private closeInherited(): void {
    const descriptors = closeInheritedDescriptors();
    if (descriptors.length === 0) return;
    this.options.log.info(
      { descriptors },
      'closed what this process was started with, so that no step gets it',
    );
  }

  /** How to start it, or why that is impossible. */
  private async prepare(spec: RunSpec, scratch: Scratch): Promise<Launch | string> {
    const { path, readable, extraWritable, lang = 'C.UTF-8' } = this.options;
    switch (this.kind) {
      case 'bubblewrap': {
        const bwrap = await findProgram('bwrap', path);
        if (bwrap === null) return 'bubblewrap (bwrap) is not installed';
        const covered = [...(this.options.hidden ?? []), this.options.scratchRoot];
        return launchInBubblewrap({ spec, scratch, bwrap, path, lang, readable, extraWritable, covered });
      }
      case 'namespace': {
        const unshare = await findProgram('unshare', path);
        if (unshare === null) return 'unshare (util-linux) is not installed';
        return launchInNamespace({ spec, scratch, unshare, path, lang });
      }
      case 'process':
        return launchAsProcess({ spec, scratch, path, lang });
    }
  }
}

function notBegun(end: 'not-started' | 'aborted', message: string): RunResult {
  return { end, exitCode: null, signal: null, output: '', outputBytes: 0, durationMs: 0, message };
}
