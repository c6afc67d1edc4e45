import type { Logger } from '#telemetry';
import type { RunResult, RunSpec, SandboxKind } from './run-spec.ts';

export interface SandboxOptions {
  kind: SandboxKind;
  log: Logger;
  /** Read-only for every run, beside the system's folders and those of PATH. */
  readable: string[];
  /** Writable for every run, and not counted by any: caches that the operator shares between steps. */
  extraWritable: string[];
  /** PATH of every run (stepEnvironment().PATH of libs/config). */
  path: string;
  /** LANG of every run. Default C.UTF-8. */
  lang?: string;
  /** Folder for homes and temporary folders of runs; made if missing. What a run leaves there is removed at its end. */
  scratchRoot: string;
  /** Between SIGTERM and SIGKILL. Default 2,000. */
  graceMs?: number;
  /** Between two looks at memory, disk and processes. Default 250. */
  pollMs?: number;
}

/** Runs hostile programs. When `run` resolves, no process of the program is alive, whatever it did. */
export class Sandbox {
  readonly kind: SandboxKind;

  constructor(private readonly options: SandboxOptions) {
    this.kind = options.kind;
  }

  /** Never throws for what the program does or for a wrong spec: see RunResult.end. */
  async run(spec: RunSpec, signal: AbortSignal): Promise<RunResult> {
    throw new Error(`landing soon: ${spec.argv.join(' ')} ${signal.aborted} ${this.options.path}`);
  }
}
