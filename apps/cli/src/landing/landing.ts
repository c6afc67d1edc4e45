import type { ChangedFile, MergeConflict, Mirror } from '#workspace';
import type { PlanView, StepView } from '#client';
import { cut, escapeText } from '../rendering/escape.ts';
import { localRepository } from '../verifying/anchor.ts';

/** What of a plan is, or would be, on its branch. */
export interface Landing {
  from: string;
  to: string;
  /** For a person: what was compared, and what is missing in it. Escaped. */
  notes: string[];
}

export interface LandingSubject {
  plan: PlanView;
  steps: StepView[];
  repo: { url: string; base: string };
}

/** Each costs a few git processes, 15 ms together. Above this the accepted diffs one after the other are quicker. */
const RESULTS_MAX = 2_000;

/** The commits of a plan are not in its repository (any more), or there are too many to merge them here. */
export class NoLandingError extends Error {
  readonly code = 'no-landing';
  readonly retry = 'never';
}

/**
 * The integration's commit where there is one; else the accepted results, merged here as far as they go. Merging is the
 * integration's own code on objects of a temporary mirror: nothing is written to the repository.
 */
export async function findLanding(mirror: Mirror, subject: LandingSubject): Promise<Landing> {
  const { integration } = subject.plan;
  return integration ? integrated(mirror, subject, integration) : preview(mirror, subject);
}

async function integrated(
  mirror: Mirror,
  { repo }: LandingSubject,
  integration: NonNullable<PlanView['integration']>,
): Promise<Landing> {
  const from = integration.baseSha;
  if (from === null || from === undefined) throw new NoLandingError('the server does not say its base');
  await need(mirror, { sha: from, ref: repo.base }, 'its base');
  await need(mirror, { sha: integration.sha, ref: `refs/heads/${integration.branch}` }, 'its commit');
  const state = integration.state === 'published' ? '' : ', accepted and not pushed yet';
  return {
    from,
    to: integration.sha,
    notes: [`the branch ${name(integration.branch)} against the base ${from.slice(0, 12)}${state}`],
  };
}

async function preview(mirror: Mirror, { plan, steps, repo }: LandingSubject): Promise<Landing> {
  const results = steps.filter(({ commit, state }) => commit && state === 'passed');
  if (results.length > RESULTS_MAX)
    throw new NoLandingError(`${results.length} results are too many to merge them here`);
  const { onto, notes } = await findBase(mirror, plan, repo);
  const inputs = [];
  for (const { ordinal, name: step, commit } of results) {
    await need(mirror, commit!, `the result of ${step}`);
    inputs.push({ label: `${step} (${ordinal})`, sha: commit!.sha });
  }
  const conflicts: MergeConflict[] = [];
  const merged = await mirror.mergeInputs(onto, inputs, {
    // Fixed, so that the same results are the same commit.
    date: '2000-01-01T00:00:00Z',
    onConflict: (conflict) => void conflicts.push(conflict),
  });
  if (merged.status === 'conflict') throw new Error('a conflict was told twice');
  const open = steps.filter(({ kind, state }) => !SYSTEM.has(kind) && !ENDED.has(state)).length;
  const count = `${inputs.length - conflicts.length} of ${inputs.length} accepted results`;
  return {
    from: onto,
    to: merged.sha,
    notes: [
      `nothing is integrated yet: ${count} merged onto ${onto.slice(0, 12)}${open > 0 ? `; ${open} steps have not ended` : ''}`,
      ...notes,
      ...conflicts.slice(0, CONFLICTS_SHOWN).map(conflictNote),
      ...(conflicts.length > CONFLICTS_SHOWN
        ? [`and ${conflicts.length - CONFLICTS_SHOWN} more conflicts`]
        : []),
    ],
  };
}

const SYSTEM = new Set(['resolve', 'baseline', 'integrate', 'publish', 'report', 'clean']);
const ENDED = new Set(['passed', 'skipped', 'blocked', 'poisoned', 'cancelled']);
const CONFLICTS_SHOWN = 20;
const FILES_SHOWN = 5;

/** A folder's newest base, as the integration will take it. Of a remote only the base of the steps has been fetched. */
async function findBase(
  mirror: Mirror,
  plan: PlanView,
  repo: { url: string; base: string },
): Promise<{ onto: string; notes: string[] }> {
  const started = plan.baseSha ?? null;
  if (localRepository(repo.url) !== null || started === null)
    return { onto: await mirror.resolve(repo.base), notes: [] };
  await need(mirror, { sha: started, ref: repo.base }, 'its base');
  const head = repo.base === 'HEAD' || repo.base.startsWith('refs/') ? repo.base : `refs/heads/${repo.base}`;
  const newest = await mirror.remoteHead(head).catch(() => null);
  if (newest === null || newest === started) return { onto: started, notes: [] };
  const note = `${name(repo.base)} has moved to ${newest.slice(0, 12)} since; the integration merges onto that`;
  return { onto: started, notes: [note] };
}

async function need(mirror: Mirror, commit: { sha: string; ref: string }, what: string): Promise<void> {
  if (await mirror.ensureCommit(commit)) return;
  throw new NoLandingError(`${what} (${commit.sha.slice(0, 12)}) is not in the repository any more`);
}

function conflictNote({ between: [one, other], files }: MergeConflict): string {
  const shown = files.slice(0, FILES_SHOWN).map(name).join(', ');
  const more = files.length > FILES_SHOWN ? ` and ${files.length - FILES_SHOWN} more` : '';
  return `conflict: ${name(other)} with ${name(one)} in ${shown}${more}; left out`;
}

function name(text: string): string {
  return cut(escapeText(text), 120);
}

/** How files changed, however it was found out. */
export type FileChange = Pick<ChangedFile, 'path' | 'from' | 'insertions' | 'deletions'>;
