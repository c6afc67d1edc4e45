import type { AttemptMessage, Job, LoopJob, ResultMessage } from '#contracts';
import { nextTurn } from '../../../apps/worker/src/fixing/next-turn.ts';
import type { Perform, Undertaking } from '../../../apps/worker/src/jobs/performing.ts';
import { StepBlockedError, WorkerFaultError } from '../../../apps/worker/src/leasing/errors.ts';
import type { Chance } from '../core/chance.ts';
import type { Process } from '../core/process.ts';
import { behaviourOf, type Behaviour, type PlannedPlan } from '../plans/planned-plan.ts';
import type { Surroundings } from './surroundings.ts';

type Result = ResultMessage['result'];

/**
 * The work of a lease without git, sandbox and disk: it takes its time, ends as the scenario says, and is told about
 * as apps/worker tells: each attempt before the next one, a candidate before it is published, nothing after a loss.
 */
export function performInSimulation(around: Surroundings, process: Process, chance: Chance): Perform {
  return async (undertaking) => {
    const { job } = undertaking;
    const plan = around.planOf(job.planId);
    // A job that somebody made up.
    if (!plan) throw new StepBlockedError({ code: 'plan-unknown', message: 'nobody brought this plan' });
    const behaviour = behaviourOf(plan, job.stepName);
    await spend(process, chance, undertaking, behaviour.workMs);
    around.onWork(undertaking.lease.key);
    if (job.epoch <= behaviour.kills) {
      around.onPoison(process.name);
      await never();
    }
    if (job.epoch <= behaviour.faults)
      throw new WorkerFaultError({ code: 'remote-unreachable', message: 'no answer' });
    if (behaviour.blocks)
      throw new StepBlockedError({ code: 'conflict', message: 'two steps changed one file' });
    const { work } = job;
    if (work.kind === 'run' || work.kind === 'codemod' || work.kind === 'agent') {
      await takeTurns({ around, process, chance, undertaking, behaviour, loop: work });
      return null;
    }
    return resultOf(around, plan, undertaking.job, behaviour);
  };
}

interface Turns {
  around: Surroundings;
  process: Process;
  chance: Chance;
  undertaking: Undertaking;
  behaviour: Behaviour;
  loop: LoopJob;
}

async function takeTurns({ around, process, chance, undertaking, behaviour, loop }: Turns): Promise<void> {
  for (let attempt = loop.attempt; ;) {
    const message = attemptMessage(undertaking.job, attempt, behaviour, process);
    const reply = await undertaking.report.attempt(message);
    const next = nextTurn({ attempt, verdict: message.verdict, reply });
    if (next.kind === 'done') return;
    attempt = next.attempt;
    await spend(process, chance, undertaking, behaviour.workMs);
    around.onWork(undertaking.lease.key);
  }
}

function attemptMessage(
  job: Job,
  attempt: number,
  { rejects, outputs, commits }: Behaviour,
  process: Process,
): Omit<AttemptMessage, 'lease'> {
  const accepted = attempt > rejects;
  const commit = commits
    ? { sha: shaOf(`${job.planId} ${job.ordinal} ${attempt}`), ref: refOf(job, attempt) }
    : null;
  return {
    attempt,
    startedAt: new Date(process.clock.dateMs()).toISOString(),
    durationMs: 1,
    verdict: accepted ? 'accepted' : 'rejected',
    reason: accepted ? { code: 'verified', message: 'green' } : { code: 'verify-failed', message: 'red' },
    commit,
    feedback: accepted ? null : feedbackOf(attempt),
    diffstat: null,
    logKey: null,
    diffKey: null,
    outputs: accepted ? outputs : {},
    traceparent: null,
  };
}

export function feedbackOf(attempt: number): string {
  return `attempt ${attempt} was red`;
}

function resultOf(around: Surroundings, plan: PlannedPlan, job: Job, behaviour: Behaviour): Result {
  const passed = { status: 'passed', commit: null, outputs: {}, resolved: null, candidate: null } as const;
  const repository = job.repo?.url ?? '';
  const { work } = job;
  switch (work.kind) {
    case 'resolve':
      return { ...passed, resolved: { baseSha: shaOf(repository), files: plan.files, texts: {} } };
    case 'baseline':
      return { ...passed, outputs: { checks: [], cached: false } };
    case 'integrate': {
      if (work.inputs.length === 0) return passed;
      const sha = shaOf(`${job.planId} ${work.inputs.map(({ commit }) => commit.sha).join()}`);
      const commit = { sha, ref: refOf(job, 1) };
      const expectedOld = around.git.head(repository, work.branch);
      if (expectedOld !== null && expectedOld !== sha) throw foreignHead();
      return {
        ...passed,
        commit,
        candidate: { branch: work.branch, commit, expectedOld, baseSha: shaOf(repository), diffstat: null },
      };
    }
    case 'publish':
      if (!around.git.publish(repository, work.branch, work.commit.sha, work.expectedOld))
        throw foreignHead();
      return { ...passed, commit: work.commit };
    case 'report':
      return { ...passed, commit: { sha: shaOf(work.text), ref: work.branch } };
    default:
      return { ...passed, outputs: behaviour.outputs };
  }
}

function foreignHead(): StepBlockedError {
  return new StepBlockedError({ code: 'foreign-head', message: 'somebody else made the branch' });
}

/** Time goes by, unless the lease ends first. */
async function spend(
  process: Process,
  chance: Chance,
  { lease }: Undertaking,
  workMs: number,
): Promise<void> {
  lease.throwIfEnded();
  await new Promise<void>((resolve, reject) => {
    const onEnd = (): void => {
      calloff();
      reject(lease.signal.reason as Error);
    };
    const calloff = process.clock.schedule(workMs * chance.between(0.7, 1.3), () => {
      lease.signal.removeEventListener('abort', onEnd);
      resolve();
    });
    lease.signal.addEventListener('abort', onEnd, { once: true });
  });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function refOf({ planId, ordinal, epoch }: Job, attempt: number): string {
  return `refs/skein/${planId}/s${ordinal}/${epoch}/${attempt}`;
}

/** Of 40 hex digits, and the same for the same text: what a commit is made of decides its name. */
export function shaOf(text: string): string {
  let sha = '';
  for (let part = 0; sha.length < 40; part += 1) {
    let hash = 0x811c9dc5 ^ part;
    for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    sha += (hash >>> 0).toString(16).padStart(8, '0');
  }
  return sha;
}
