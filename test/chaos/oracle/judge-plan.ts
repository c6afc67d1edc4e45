import type { LedgerEvent, PlanSummary } from '../fleet/fleet-client.ts';
import { markPath, type Shape } from '../load/shape.ts';
import { replay, type Replay, type ReplayedStep } from './ledger-replay.ts';
import type { WitnessLine } from './witness.ts';

/** Everything that is known of one plan after its end, from four sides that know nothing of each other. */
export interface PlanEvidence {
  shape: Shape;
  summary: PlanSummary;
  events: LedgerEvent[];
  /** Of this plan alone. */
  witness: WitnessLine[];
  /** What the branch holds, by path; null: there is no such branch. */
  branch: { sha: string; files: Record<string, string> } | null;
}

export interface PlanJudgement {
  violations: string[];
  replayed: Replay;
}

export function judgePlan(evidence: PlanEvidence): PlanJudgement {
  const replayed = replay(evidence.events);
  const violations = [
    ...replayed.violations,
    ...judgeEnding(evidence, replayed),
    ...judgeWitness(evidence.witness, replayed),
    ...judgeBranch(evidence, replayed),
  ];
  return { violations, replayed };
}

function judgeEnding({ shape, summary }: PlanEvidence, r: Replay): string[] {
  const wrong: string[] = [];
  if (!r.closed) wrong.push('its ledger does not end with plan.closed');
  if (summary.status !== r.status)
    wrong.push(`it is shown as ${summary.status}, its ledger says ${r.status}`);
  const late = shape.ends === 'cancelled' && r.status === 'completed';
  if (r.status !== shape.ends && !late)
    wrong.push(`it ended as ${r.status}, not ${shape.ends}: ${JSON.stringify(summary.reason)}`);
  const steps = [...r.steps.values()];
  if (r.status === 'completed') {
    for (const { name, outcome } of steps)
      if (outcome !== 'passed') wrong.push(`it completed while ${name} is ${outcome ?? 'open'}`);
  }
  for (const [name, outcome] of Object.entries(shape.outcomes)) {
    const step = steps.find((one) => one.name === name);
    const is = step === undefined || step.epoch === 0 ? 'never-admitted' : step.outcome;
    if (is !== outcome && !faultsPoisoned(shape, steps))
      wrong.push(`${name} is ${is ?? 'open'}, not ${outcome}`);
  }
  for (const [name, attempts] of Object.entries(shape.attempts)) {
    const used = steps.find((one) => one.name === name)?.attempts.length ?? 0;
    if (used !== attempts) wrong.push(`${name} used ${used} attempts, not ${attempts}`);
  }
  return wrong;
}

/** In the plan that may lose few leases the faults may take them from `resolve` before it comes to anything. */
function faultsPoisoned({ outcomes }: Shape, steps: ReplayedStep[]): boolean {
  if (!Object.values(outcomes).includes('poisoned')) return false;
  return steps.some(({ kind, outcome }) => kind === 'resolve' && outcome === 'poisoned');
}

/** The witness knows what ran, the ledger what counts. */
function judgeWitness(witness: WitnessLine[], r: Replay): string[] {
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const line of witness) {
    const step = r.steps.get(line.ordinal);
    const what = `s${line.ordinal} epoch ${line.epoch} attempt ${line.attempt} by ${line.worker}`;
    if (step === undefined || line.epoch > step.epoch)
      wrong.push(`${what} ran, and the ledger never admitted it`);
    // A job that nobody is known to have claimed is sent again, perhaps to the same worker: that is another lease.
    const once = `${what} in lease ${line.token}`;
    if (seen.has(once)) wrong.push(`${once} ran twice`);
    seen.add(once);
  }
  for (const step of r.steps.values()) {
    if (step.definition === null || step.kind === 'wait' || step.kind === 'noop') continue;
    for (const { attempt, epoch, worker, accepted, token } of step.attempts) {
      const ran = witness.filter(
        (line) =>
          line.ordinal === step.ordinal &&
          line.epoch === epoch &&
          line.attempt === attempt &&
          line.worker === worker &&
          (token === null || line.token === token),
      );
      const what = `attempt ${attempt} of ${step.name}, recorded for ${worker} in epoch ${epoch}`;
      // A full disk, say, may reject an attempt before its command began. Without a commit the lease is not known.
      const fine = token === null ? ran.length > 0 : ran.length === 1;
      if (accepted && !fine) wrong.push(`${what}, was accepted and ran ${ran.length} times there`);
    }
    const accepted = step.attempts.filter((one) => one.accepted);
    if (accepted.length > 1) wrong.push(`${accepted.length} attempts of ${step.name} were accepted`);
  }
  return wrong;
}

function judgeBranch({ shape, summary, branch }: PlanEvidence, r: Replay): string[] {
  if (r.status !== 'completed')
    return branch === null ? [] : [`it did not complete, and there is a branch ${shape.branch}`];
  if (branch === null) return [`there is no branch ${shape.branch}`];
  const wrong: string[] = [];
  if (branch.sha !== summary.integration?.sha)
    wrong.push(`the branch is at ${branch.sha}, not at ${summary.integration?.sha}`);
  const expected = { 'README.md': '# Chaos\n', ...shape.files, ...marks(shape, r) };
  for (const path of new Set([...Object.keys(expected), ...Object.keys(branch.files)])) {
    const [is, should] = [branch.files[path], (expected as Record<string, string>)[path]];
    if (is !== should)
      wrong.push(`the branch has ${JSON.stringify(is)} in ${path}, not ${JSON.stringify(should)}`);
  }
  return wrong;
}

/** What each accepted step must have left: the epoch and the attempt that the ledger accepted, and no other. */
function marks(shape: Shape, r: Replay): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of shape.marks) {
    const step = [...r.steps.values()].find((one) => one.name === name);
    const attempt = step?.attempts.find(({ accepted }) => accepted)?.attempt;
    files[markPath(name)] = `${step?.accepted?.epoch} ${attempt}\n`;
  }
  return files;
}
