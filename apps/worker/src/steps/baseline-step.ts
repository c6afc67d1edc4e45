import type { BaselineCheck, BaselineJob, ResultMessage } from '#contracts';
import { formatOrdinal } from '#domain';
import { inSpan, names } from '#telemetry';
import type { Mirror } from '#workspace';
import { baselineReport, redReason } from '../baselines/baseline-report.ts';
import {
  doubtfulChecks,
  judgePasses,
  needsSecondPass,
  type CheckPass,
  type CheckRun,
  type JudgedCheck,
} from '../baselines/check-passes.ts';
import { leavesRubble, quoteCommand, type Program } from '../fixing/program-end.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import { AttemptLog } from './attempt-log.ts';
import { checksPlace } from './checks-place.ts';
import { LeaseWorktree } from './lease-worktree.ts';
import { ProgramRunner, type ProgramPlace } from './program-runner.ts';
import { openMirror } from './repository.ts';
import { fetchBase } from './start-commit.ts';
import { requireSandbox, type StepContext } from './step-context.ts';
import { usableValues } from './step-environment.ts';

/**
 * Runs the plan's checks on the untouched base, each judged by itself, so that no attempt is spent on what was red
 * before. A red one is run again, on a fresh worktree and after the checks before it: green then, it is flaky.
 */
export async function runBaselineStep(
  context: StepContext,
  baseline: BaselineJob,
): Promise<ResultMessage['result']> {
  const { tools, job, lease } = context;
  const warning = requireSandbox(context);
  const { planId, ordinal, epoch } = lease.key;
  const logKey = `${planId}/${formatOrdinal(ordinal)}/1-${epoch}.log`;
  await using log = await AttemptLog.open(tools.artifacts, logKey, context.log);
  if (warning !== null) log.note(warning);
  const { setup, verify, env, network } = baseline;
  const values = usableValues(baseline.values);
  const url = job.repo?.url ?? '';
  const baseSha = job.baseSha ?? '';
  const identity = { url, baseSha, setup, verify, env, values, network, sandbox: tools.sandbox.kind };
  const known = await tools.baselines.get(identity);
  if (known !== null) {
    log.note(`all ${known.length} checks were green on the base ${baseSha} when this host ran them before`);
    return passed(known, true);
  }
  const mirror = await openMirror(context);
  const sha = await fetchBase(job, mirror);
  const checks = await inSpan(names.spans.baseline, { [names.attributes.sha]: sha }, () =>
    new Checking(context, baseline, mirror, log).check(sha),
  );
  lease.throwIfEnded();
  sayVerdicts(checks, log);
  await tools.baselines.put(identity, checks);
  const red = redReason(sha, checks);
  if (red !== null && baseline.onRed === 'halt') throw new StepBlockedError(red);
  return passed(checks, false);
}

function passed(checks: BaselineCheck[], cached: boolean): ResultMessage['result'] {
  const report = baselineReport(checks, cached);
  const outputs = { checks: report.checks.map((check) => ({ ...check })), cached: report.cached };
  return { status: 'passed', commit: null, outputs, resolved: null, candidate: null };
}

function sayVerdicts(checks: JudgedCheck[], log: AttemptLog): void {
  for (const { command, verdict, reason } of checks) {
    const why = reason === null ? '' : `: ${reason}`;
    log.note(`${verdict}: ${quoteCommand(command)}${why}`);
  }
}

class Checking {
  readonly #runner: ProgramRunner;

  constructor(
    private readonly context: StepContext,
    private readonly baseline: BaselineJob,
    private readonly mirror: Mirror,
    private readonly log: AttemptLog,
  ) {
    const { tools, lease } = context;
    this.#runner = new ProgramRunner(tools.sandbox, tools.caps, lease.signal);
  }

  async check(sha: string): Promise<JudgedCheck[]> {
    const { verify } = this.baseline;
    this.log.note(`checking the base ${sha}`);
    const first = await this.#pass(sha, verify.length);
    if (!needsSecondPass(first)) return judgePasses(verify, first, null);
    this.log.note('not all is green: once more on a fresh worktree, to tell red from flaky');
    return judgePasses(verify, first, await this.#pass(sha, doubtfulChecks(first)));
  }

  /** The first `count` checks. Each pass has the time of an attempt: that is what a step will have for the same. */
  async #pass(sha: string, count: number): Promise<CheckPass> {
    const { context, baseline, mirror } = this;
    const worktree = new LeaseWorktree({ mirror, dirs: context.dirs, sha, goesOn: false, log: context.log });
    try {
      const files = await worktree.begin();
      const place = checksPlace(context, baseline, mirror, files.path);
      const checks: (CheckRun | null)[] = baseline.verify.map(() => null);
      for (const command of baseline.setup) {
        const { run } = await this.#run({ phase: 'setup', command }, place);
        if (run.reason !== null) return { setup: run, checks };
      }
      for (const [index, command] of baseline.verify.slice(0, count).entries()) {
        if (Date.now() >= place.deadline) break;
        const { run, rubble } = await this.#run({ phase: 'verify', command }, place);
        checks[index] = run;
        // What comes after it would only meet the same full disk.
        if (rubble) break;
      }
      return { setup: null, checks };
    } finally {
      await worktree.remove();
    }
  }

  async #run(program: Program, place: ProgramPlace): Promise<{ run: CheckRun; rubble: boolean }> {
    const { run, reason } = await this.#runner.run(program, place, this.log);
    const { durationMs, output } = run;
    return { run: { command: program.command, durationMs, reason, output }, rubble: leavesRubble(run) };
  }
}
