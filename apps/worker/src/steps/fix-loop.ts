import type { LoopJob } from '#contracts';
import { currentTraceparent, inSpan, names } from '#telemetry';
import type { Mirror } from '#workspace';
import { beginning, nextTurn, type Beginning } from '../fixing/next-turn.ts';
import { runAttempt, type LoopState } from './attempt.ts';
import { LeaseWorktree } from './lease-worktree.ts';
import { openMirror } from './repository.ts';
import { findStart, type Start } from './start-commit.ts';
import { requireSandbox, type StepContext } from './step-context.ts';
import { usableValues } from './step-environment.ts';

/**
 * prepare -> (agent | codemod | run) -> scope -> commit and push -> verify -> report -> again, until the decider says
 * stop. Each attempt is in the ledger before the next begins, so that the next lease goes on from there.
 */
export async function runFixLoop(context: StepContext, given: LoopJob): Promise<void> {
  const warning = requireSandbox(context);
  const loop = { ...given, values: usableValues(given.values) };
  const prepared = await inSpan(names.spans.prepare, {}, () => prepare(context, loop));
  const notes = [
    ...(warning === null ? [] : [warning]),
    ...(prepared.begin.note === null ? [] : [prepared.begin.note]),
  ];
  for (const note of notes) context.log.info({}, note);
  const { mirror, start, worktree } = prepared;
  const state: LoopState = { context, loop, mirror, start, worktree, notes };
  try {
    await takeTurns(state);
  } finally {
    await worktree.remove();
  }
}

async function takeTurns(state: LoopState): Promise<void> {
  const { context, loop } = state;
  let attempt = loop.attempt;
  let feedback = loop.previous?.feedback ?? null;
  for (;;) {
    const end = await runAttempt(state, attempt, feedback);
    context.log.info({ attempt, verdict: end.verdict, reason: end.reason.code }, 'attempt finished');
    const reply = await context.report.attempt({ ...end, traceparent: currentTraceparent() });
    const next = nextTurn({ attempt, verdict: end.verdict, reply });
    if (next.kind === 'done') return;
    attempt = next.attempt;
    feedback = end.feedback;
  }
}

interface Prepared {
  mirror: Mirror;
  start: Start;
  begin: Beginning;
  worktree: LeaseWorktree;
}

async function prepare(context: StepContext, loop: LoopJob): Promise<Prepared> {
  const mirror = await openMirror(context);
  context.lease.throwIfEnded();
  const start = await findStart(context, mirror, loop);
  context.lease.throwIfEnded();
  const begin = beginning({ kind: loop.kind, previous: await lookAtPrevious(loop, mirror, start) });
  const worktree = new LeaseWorktree({
    mirror,
    dirs: context.dirs,
    sha: begin.from === 'previous' ? begin.sha : start.sha,
    goesOn: loop.kind === 'agent',
    log: context.log,
  });
  return { mirror, start, begin, worktree };
}

async function lookAtPrevious(
  loop: LoopJob,
  mirror: Mirror,
  start: Start,
): Promise<Parameters<typeof beginning>[0]['previous']> {
  if (loop.previous === null) return null;
  const { commit } = loop.previous;
  if (commit === null) return { sha: null, fetched: false, descendsFromStart: false };
  const fetched = await mirror.ensureCommit(commit);
  return {
    sha: commit.sha,
    fetched,
    descendsFromStart: fetched && (await mirror.isAncestor(start.sha, commit.sha)),
  };
}
