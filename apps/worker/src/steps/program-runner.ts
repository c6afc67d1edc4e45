import type { RunResult, RunSpec, Sandbox } from '#sandbox';
import { inSpan, measure, names, type SpanName } from '#telemetry';
import type { Reason } from '#domain';
import { judgeEnd, quoteCommand, type Program } from '../fixing/program-end.ts';
import { WorkerFaultError } from '../leasing/errors.ts';
import type { AttemptLog } from './attempt-log.ts';

export type ProgramLimits = RunSpec['limits'];

export interface ProgramPlace {
  worktree: string;
  writable: string[];
  readable: string[];
  /** Outlives the program, so that a set-up can leave something for what follows. */
  home: string;
  /** Puts back folders of the step that an earlier program removed or replaced. */
  mend: () => Promise<void>;
  env: Record<string, string>;
  network: boolean;
  idleMs: number;
  /** Instant (ms) at which the attempt ends. */
  deadline: number;
}

export interface ProgramEnd {
  run: RunResult;
  /** null: it ended well. */
  reason: Reason | null;
  program: Program;
}

export type FailedProgram = ProgramEnd & { reason: Reason };

/** Runs the plan's shell commands in the sandbox, one after the other, under what is left of the attempt's time. */
export class ProgramRunner {
  constructor(
    private readonly sandbox: Sandbox,
    private readonly caps: Omit<ProgramLimits, 'wallMs' | 'idleMs'>,
    private readonly signal: AbortSignal,
  ) {}

  /** Stops at the first failure and returns it; null when all ended well. */
  async runAll(
    phase: 'setup' | 'command' | 'verify',
    commands: string[],
    place: ProgramPlace,
    log: AttemptLog,
  ): Promise<FailedProgram | null> {
    for (const command of commands) {
      const end = await this.run({ phase, command }, place, log);
      if (end.reason !== null) return { ...end, reason: end.reason };
    }
    return null;
  }

  /** `argv`: what is started; without it the program's command is read by sh. */
  async run(
    program: Program,
    place: ProgramPlace,
    log: AttemptLog,
    argv: string[] = ['/bin/sh', '-c', program.command],
  ): Promise<ProgramEnd> {
    log.note(`${program.phase}: ${quoteCommand(program.command)}`);
    const run = await inSpan(
      SPANS[program.phase],
      { [names.attributes.sandbox]: this.sandbox.kind },
      async (span) => {
        await place.mend();
        const result = await this.sandbox.run(
          {
            argv,
            cwd: place.worktree,
            writable: place.writable,
            readable: place.readable,
            home: place.home,
            env: place.env,
            network: place.network,
            limits: this.limits(place),
            onOutput: log.write,
          },
          this.signal,
        );
        span.setAttributes({
          [names.attributes.sandboxEnd]: result.end,
          [names.attributes.outputBytes]: result.outputBytes,
        });
        return result;
      },
    );
    return this.judge(program, run, log);
  }

  limits(place: ProgramPlace): ProgramLimits {
    return { ...this.caps, wallMs: Math.max(1, place.deadline - Date.now()), idleMs: place.idleMs };
  }

  /** An abort is the lease's end and no verdict; a program that could not even start is the worker's fault. */
  judge(program: Program, run: RunResult, log: AttemptLog): ProgramEnd {
    this.signal.throwIfAborted();
    const reason = judgeEnd(program, run);
    const result = reason === null ? 'ok' : 'failed';
    measure('programs', run.durationMs / 1_000, { phase: program.phase, result });
    if (reason?.code === 'not-started')
      throw new WorkerFaultError({ code: 'sandbox-failed', message: reason.message });
    log.note(reason?.message ?? `${program.phase} ended well after ${run.durationMs} ms`);
    return { run, reason, program };
  }
}

const SPANS: Record<Program['phase'], SpanName> = {
  setup: names.spans.setup,
  command: names.spans.command,
  codemod: names.spans.codemod,
  agent: names.spans.agent,
  verify: names.spans.verify,
};
