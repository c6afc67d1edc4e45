import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Fleet } from '../fleet/fleet.ts';
import type { FleetClient, LedgerEvent } from '../fleet/fleet-client.ts';
import type { GitHost } from '../fleet/git-host.ts';
import type { Submitted } from '../load/submitting.ts';
import { judgePlan } from './judge-plan.ts';
import type { Replay } from './ledger-replay.ts';
import { timelineOf, type PlanTimeline } from './plan-timeline.ts';
import { readWitness, type WitnessLine } from './witness.ts';

const run = promisify(execFile);
const SKEIN = join(import.meta.dirname, '..', '..', '..', 'bin', 'skein');
const AT_ONCE = 2;

export interface Judged {
  /** By plan. */
  replays: Map<string, Replay>;
  /** Kept for plans that broke a promise. */
  broken: { planId: string; shape: string; violations: string[]; events: LedgerEvent[] }[];
  violations: string[];
  /** When something of a plan moved, in milliseconds since the epoch, ascending. */
  progress: number[];
  /** One per plan. */
  timelines: PlanTimeline[];
}

const PROGRESS = new Set(['lease.granted', 'attempt.finished', 'step.passed']);

/** Holds every plan against its text, its ledger, the witness and the repository. */
export async function judgeAll(plans: Submitted[], fleet: Fleet, client: FleetClient): Promise<Judged> {
  const witness = readWitness(await readFile(Fleet.witnessFile(fleet.folder), 'utf8'));
  const judged: Judged = { replays: new Map(), broken: [], violations: [], progress: [], timelines: [] };
  for (const line of witness.broken) judged.violations.push(`the witness file has a broken line: ${line}`);
  const byPlan = Map.groupBy(witness.lines, ({ planId }) => planId);
  const known = new Set(plans.map(({ planId }) => planId));
  for (const planId of byPlan.keys())
    if (!known.has(planId)) judged.violations.push(`${planId} ran and was never submitted`);
  if (known.size !== plans.length)
    judged.violations.push('two submissions with different keys became one plan');
  const queue = [...plans];
  const lane = async (): Promise<void> => {
    for (let plan = queue.shift(); plan !== undefined; plan = queue.shift())
      await judgeOne(plan, byPlan.get(plan.planId) ?? [], fleet, client, judged);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  judged.progress.sort((one, other) => one - other);
  return judged;
}

async function judgeOne(
  plan: Submitted,
  witness: WitnessLine[],
  fleet: Fleet,
  client: FleetClient,
  judged: Judged,
): Promise<void> {
  const { planId, shape } = plan;
  const events = await client.ledger(planId);
  for (const { at, type } of events) if (PROGRESS.has(type)) judged.progress.push(Date.parse(at));
  judged.timelines.push(timelineOf(events));
  const summary = plan.closed ?? (await client.plan(planId));
  const branch = await readBranch(fleet.git, shape.branch);
  const { violations, replayed } = judgePlan({ shape, summary, events, witness, branch });
  judged.replays.set(planId, replayed);
  violations.push(...(await verifyLedger(plan, fleet)));
  if (violations.length === 0) return;
  judged.violations.push(...violations.map((violation) => `${planId} (${shape.name}): ${violation}`));
  judged.broken.push({ planId, shape: shape.name, violations, events });
}

/** The built command, with the trailer of the published commit as its anchor where there is one. */
async function verifyLedger({ planId, closed, shape }: Submitted, fleet: Fleet): Promise<string[]> {
  const published = closed?.status === 'completed';
  const anchor = published ? ['--repo', join(fleet.folder, 'git', 'origin.git'), '--ref', shape.branch] : [];
  const env = { ...process.env, SKEIN_URL: fleet.urls[0] };
  return run(SKEIN, ['ledger', 'verify', planId, ...anchor], { env }).then(
    ({ stdout }) => (published && !stdout.includes('anchored at seq') ? [`not anchored: ${stdout}`] : []),
    (error: { stdout?: string; stderr?: string }) => [
      `ledger verify: ${error.stdout ?? ''}${error.stderr ?? ''}`,
    ],
  );
}

async function readBranch(
  git: GitHost,
  branch: string,
): Promise<{ sha: string; files: Record<string, string> } | null> {
  const sha = (await git.git('rev-parse', '--verify', '--quiet', `refs/heads/${branch}`))?.trim();
  if (!sha) return null;
  const listed = (await git.git('ls-tree', '-r', '--name-only', sha)) ?? '';
  const files: Record<string, string> = {};
  for (const path of listed.split('\n').filter((name) => name !== ''))
    files[path] = (await git.git('show', `${sha}:${path}`)) ?? '';
  return { sha, files };
}
