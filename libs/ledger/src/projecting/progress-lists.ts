import { roughDuration } from '#domain';
import { code, link, prose, sentence } from './markdown.ts';
import type { StepView } from './plan-views.ts';
import { countOf, withRest, type ProgressPage } from './progress-page.ts';

const RUNNING_SHOWN_MAX = 10;
const CHECKS_SHOWN_MAX = 20;

/** What runs longest first: that is where somebody would look. */
export function runningLines(page: ProgressPage): string[] {
  const running = page.steps.filter(({ state }) => state === 'running');
  const oldest = running
    .toSorted((one, other) => (one.startedAt ?? '').localeCompare(other.startedAt ?? ''))
    .slice(0, RUNNING_SHOWN_MAX);
  return withRest(
    oldest.map((step) => runningLine(page, step)),
    running.length,
  );
}

function runningLine(page: ProgressPage, step: StepView): string {
  const forMs = step.startedAt === null ? null : page.nowMs - Date.parse(step.startedAt);
  const since = forMs === null ? '' : `, for ${roughDuration(forMs)}`;
  const attempt = step.attemptsUsed + 1;
  const before = step.reason ? `: ${sentence(prose(step.reason.message))}` : '';
  const again = attempt > 1 ? `, attempt ${attempt}${before}` : '';
  const log = page.links === null ? '' : ` (${page.link('log', step, `attempts/${attempt}/log`)})`;
  return `- ${page.nameOf(step)}${since}${again}${log}`;
}

/** What was wrong before any step did anything: red and flaky checks. */
export function baselineLines({ steps }: ProgressPage): string[] {
  const step = steps.find(({ kind }) => kind === 'baseline');
  const wrong = checksIn(step?.outputs['checks']).filter(({ verdict }) => verdict !== 'green');
  const lines = wrong.slice(0, CHECKS_SHOWN_MAX).map(({ command, verdict, reason }) => {
    const isFlaky = verdict === 'flaky';
    const fails = isFlaky ? 'fails now and then' : 'fails';
    const why = reason ? `: ${sentence(prose(reason))}` : '.';
    return `- **${isFlaky ? 'flaky' : 'red'}** ${code(command)} ${fails} without any change of the plan${why}`;
  });
  return withRest(lines, wrong.length);
}

interface Check {
  command: string;
  verdict: string;
  reason: string | null;
}

/** A worker wrote them: they are what they claim to be, or they are not shown. */
function checksIn(outputs: unknown): Check[] {
  if (!Array.isArray(outputs)) return [];
  return outputs.filter((check: Partial<Check> | null): check is Check => {
    const { command, verdict, reason } = check ?? {};
    return typeof command === 'string' && typeof verdict === 'string' && typeof (reason ?? '') === 'string';
  });
}

const SYSTEM = new Set(['resolve', 'baseline', 'integrate', 'publish', 'report', 'clean']);

/** What there is to show for it. */
export function resultLines({ plan, steps, links }: ProgressPage): string[] {
  if (!plan.integration) {
    const changed = steps.filter(({ commit, kind }) => commit !== null && !SYSTEM.has(kind)).length;
    return changed === 0 ? [] : [`- ${countOf(changed, 'step')} changed files; nothing is merged yet.`];
  }
  const { branch, sha, state, diffstat } = plan.integration;
  const size = diffstat
    ? `: ${countOf(diffstat.files, 'file')} changed, +${diffstat.insertions} −${diffstat.deletions}`
    : '';
  const pushed = state === 'published' ? '' : ', accepted but not pushed yet';
  const diff = links === null ? '' : ` (${link('diff', `${links}/diff`)})`;
  return [`- Branch ${code(branch)} at ${code(sha.slice(0, 12))}${pushed}${size}${diff}`];
}
