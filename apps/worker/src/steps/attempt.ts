import type { AttemptMessage, LoopJob } from '#contracts';
import { formatOrdinal, type CommitRef, type Diffstat, type Reason } from '#domain';
import { count, inSpan, names } from '#telemetry';
import { privateRef, type Mirror, type Worktree } from '#workspace';
import { renderFeedback } from '../fixing/feedback.ts';
import { emptyDiffRejects } from '../fixing/next-turn.ts';
import { judgeOutputs, readOutputs, type Outputs } from '../fixing/outputs.ts';
import { leavesRubble } from '../fixing/program-end.ts';
import { printable } from '../fixing/printable.ts';
import { scopeReason } from '../fixing/scope-reason.ts';
import { giveFiles } from './attempt-files.ts';
import { AttemptLog } from './attempt-log.ts';
import { ProgramRunner, type FailedProgram, type ProgramPlace } from './program-runner.ts';
import { pushWithRetry } from './pushing.ts';
import type { Start } from './start-commit.ts';
import type { StepContext } from './step-context.ts';
import { programEnvironment } from './step-environment.ts';
import { takeSnapshot } from './taking-snapshot.ts';
import { performTask } from './task.ts';
import type { LeaseWorktree } from './lease-worktree.ts';

/** What the loop keeps between attempts of one lease. */
export interface LoopState {
  context: StepContext;
  loop: LoopJob;
  mirror: Mirror;
  start: Start;
  worktree: LeaseWorktree;
  /** Notes for the next attempt's log, such as where it begins and that there is no sandbox. */
  notes: string[];
}

export type AttemptEnd = Omit<AttemptMessage, 'lease' | 'traceparent'>;

/** One turn: setup (once), task, outputs, scope, commit and push, checks. Throws only when the lease cannot go on. */
export async function runAttempt(
  state: LoopState,
  attempt: number,
  earlier: string | null,
): Promise<AttemptEnd> {
  return inSpan(names.spans.attempt, { [names.attributes.attempt]: attempt }, async (span) => {
    const end = await new Attempt(state, attempt, earlier).run();
    span.setAttributes({
      [names.attributes.verdict]: end.verdict,
      [names.attributes.reason]: end.reason.code,
    });
    return end;
  });
}

/** What came out of an attempt before it is written down. */
interface Finding {
  reason: Reason;
  accepted: boolean;
  /** Of the program that failed. */
  output: string | null;
  /** What is kept of the attempt; null: nothing. */
  kept: { commit: CommitRef | null; sha: string } | null;
  outputs: Outputs;
}

class Attempt {
  readonly #startedAt = Date.now();
  readonly #runner: ProgramRunner;
  /** Of the last snapshot. */
  #leftOut = '';

  constructor(
    readonly state: LoopState,
    readonly attempt: number,
    readonly earlier: string | null,
  ) {
    const { tools, lease } = state.context;
    this.#runner = new ProgramRunner(tools.sandbox, tools.caps, lease.signal);
  }

  async run(): Promise<AttemptEnd> {
    const { context } = this.state;
    await using log = await AttemptLog.open(context.tools.artifacts, this.#key('log'), context.log);
    log.note(`attempt ${this.attempt} of ${context.job.stepName} on ${context.lease.key.worker}`);
    for (const note of this.state.notes.splice(0)) log.note(note);
    const found = await this.#find(log);
    context.lease.throwIfEnded();
    const { code, message } = found.reason;
    const finding = { ...found, reason: { code, message: `${message}${this.#leftOut}` } };
    log.note(
      `${finding.accepted ? 'accepted' : 'rejected'} (${finding.reason.code}): ${finding.reason.message}`,
    );
    return this.#writeDown(finding, log);
  }

  /** The stages in order; the first that finds a fault ends the attempt. */
  async #find(log: AttemptLog): Promise<Finding> {
    const { context, loop, mirror, start, worktree } = this.state;
    const files = await worktree.begin();
    await context.dirs.clearOutputs();
    const given = await giveFiles(context.dirs, loop, this.earlier);
    const place = this.#place(files, given);

    const setup = await this.#setUp(files, place, log);
    if (setup !== null) return this.#rejectedBy(setup, null);

    const runner = this.#runner;
    const task = await performTask({ context, loop, mirror, startSha: start.sha, runner, place, given, log });
    if (task.rubble) worktree.markRubble();
    // A failed recipe leaves nothing worth keeping; a failed agent may have come far.
    if (task.failure !== null && (task.rubble || loop.kind !== 'agent')) return rejected(task.failure);

    const kept = await this.#keep(files);
    if (task.failure !== null) return rejected(task.failure, 'refused' in kept ? null : kept);
    if ('refused' in kept) return rejected({ reason: kept.refused });
    const outputs = judgeOutputs(await readOutputs(context.dirs.outputs), loop.outputs);
    if (!outputs.ok) return rejected(outputs, kept);
    if (kept.commit === null && emptyDiffRejects(loop.kind)) return rejected({ reason: EMPTY_DIFF }, kept);

    const failed = await this.#runner.runAll('verify', loop.verify, place, log);
    if (failed !== null) return this.#rejectedBy(failed, kept);
    const message = loop.verify.length === 0 ? 'done' : 'all checks passed';
    return {
      accepted: true,
      reason: { code: 'accepted', message },
      output: null,
      kept,
      outputs: outputs.outputs,
    };
  }

  #rejectedBy(end: FailedProgram, kept: Finding['kept']): Finding {
    if (leavesRubble(end.run)) this.state.worktree.markRubble();
    return rejected({ reason: end.reason, output: end.run.output }, kept);
  }

  /** Once for each lease: a set-up that ended well is not repeated. What it changed in the repository is put back. */
  async #setUp(files: Worktree, place: ProgramPlace, log: AttemptLog): Promise<FailedProgram | null> {
    const { loop, worktree } = this.state;
    if (worktree.isSetUp || loop.setup.length === 0) return null;
    const failed = await this.#runner.runAll('setup', loop.setup, place, log);
    if (failed !== null) return failed;
    const leftover = await worktree.finishSetup(files);
    if (leftover > 0) {
      log.note(
        `setup changed ${leftover} files that git does not ignore; they were put back, so that nobody takes them for the step's work`,
      );
    }
    return null;
  }

  /** Judges what is in the worktree against the step's scope and makes it a pushed commit. */
  async #keep(files: Worktree): Promise<NonNullable<Finding['kept']> | { refused: Reason }> {
    const { context, loop, mirror, start, worktree } = this.state;
    const snapshot = await takeSnapshot(files);
    if ('refused' in snapshot) {
      worktree.markRubble();
      return snapshot;
    }
    const { tree } = snapshot;
    this.#leftOut = snapshot.leftOut;
    const changes = await files.changes(start.sha, tree);
    const refused = scopeReason(changes, loop.paths);
    if (refused !== null) return { refused };
    if (changes.length === 0) return { commit: null, sha: start.sha };
    context.lease.throwIfEnded();
    const sha = await files.commit(tree, [start.sha], {
      message: this.#message(),
      date: new Date(this.#startedAt).toISOString(),
    });
    const commit = { sha, ref: privateRef({ ...context.lease.key, attempt: this.attempt }) };
    await pushWithRetry(mirror, commit, context);
    worktree.keep(sha);
    return { commit, sha };
  }

  async #writeDown(finding: Finding, log: AttemptLog): Promise<AttemptEnd> {
    const { start } = this.state;
    const kept = finding.kept;
    const diff = kept?.commit ? await this.#storeDiff(kept.commit.sha) : null;
    const reason = finding.accepted
      ? { code: 'accepted', message: `${finding.reason.message}; ${sayStat(diff?.stat ?? null)}` }
      : { code: finding.reason.code, message: finding.reason.message.slice(0, 8_000) };
    return {
      attempt: this.attempt,
      startedAt: new Date(this.#startedAt).toISOString(),
      durationMs: Date.now() - this.#startedAt,
      verdict: finding.accepted ? 'accepted' : 'rejected',
      reason,
      commit: kept?.commit ?? (finding.accepted ? start.commit : null),
      feedback: finding.accepted
        ? null
        : renderFeedback({
            reason,
            output: finding.output,
            diff: kept === null ? null : (diff?.text ?? ''),
            earlier: this.earlier,
          }),
      diffstat: kept === null ? null : (diff?.stat ?? { files: 0, insertions: 0, deletions: 0 }),
      logKey: log.storedKey,
      diffKey: diff?.key ?? null,
      outputs: finding.outputs,
    };
  }

  async #storeDiff(sha: string): Promise<{ text: string; stat: Diffstat; key: string | null }> {
    const { context, mirror, start } = this.state;
    const { text, stat } = await mirror.diff(start.sha, sha);
    const key = this.#key('diff');
    try {
      await context.tools.artifacts.put(key, text);
      return { text, stat, key };
    } catch (error) {
      count('artifactFailures', { kind: 'diff' });
      context.log.warn({ err: error, key }, 'a diff could not be stored');
      return { text, stat, key: null };
    }
  }

  #place(files: Worktree, given: Awaited<ReturnType<typeof giveFiles>>): ProgramPlace {
    const { context, loop, mirror } = this.state;
    return {
      worktree: files.path,
      writable: [files.path, context.dirs.scratch],
      readable: [context.dirs.given, mirror.path],
      home: context.dirs.home,
      mend: () => context.dirs.mend(),
      env: programEnvironment({
        job: context.job,
        planEnv: loop.env,
        attempt: this.attempt,
        worktree: files.path,
        dirs: context.dirs,
        given,
        matrix: loop.matrix,
        values: loop.values,
      }),
      network: loop.network,
      idleMs: loop.timeout.idleMs,
      deadline: this.#startedAt + loop.timeout.attemptMs,
    };
  }

  #message(): string {
    const { job } = this.state.context;
    const subject =
      printable(job.stepName).replace(/\s+/g, ' ').trim().slice(0, 200) || formatOrdinal(job.ordinal);
    const trailers = [
      `Skein-Plan: ${job.planId}`,
      `Skein-Step: ${formatOrdinal(job.ordinal)}`,
      `Skein-Attempt: ${this.attempt}`,
    ];
    return `${subject}\n\n${trailers.join('\n')}\n`;
  }

  #key(kind: 'log' | 'diff'): string {
    const { planId, ordinal, epoch } = this.state.context.lease.key;
    return `${planId}/${formatOrdinal(ordinal)}/${this.attempt}-${epoch}.${kind}`;
  }
}

function rejected(why: { reason: Reason; output?: string | null }, kept: Finding['kept'] = null): Finding {
  return { accepted: false, reason: why.reason, output: why.output ?? null, kept, outputs: {} };
}

const EMPTY_DIFF: Reason = {
  code: 'empty-diff',
  message: 'The agent ended well but changed nothing in the repository.',
};

function sayStat(stat: Diffstat | null): string {
  if (stat === null || stat.files === 0) return 'nothing to change';
  return `${stat.files} ${stat.files === 1 ? 'file' : 'files'} changed, +${stat.insertions} -${stat.deletions}`;
}
