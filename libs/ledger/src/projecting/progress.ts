import { describeEstimate, estimateLeft, roughDuration } from '#domain';
import { cellCode, code, link, prose, sentence } from './markdown.ts';
import type { PlanView, StepView } from './plan-views.ts';
import { badLines } from './progress-bad.ts';
import { baselineLines, resultLines, runningLines } from './progress-lists.ts';
import { countOf, instant, ProgressPage, type ProgressOptions } from './progress-page.ts';
import { waitLines } from './progress-waits.ts';
import { isDone, openCounts, timeOf, typicalMs } from './step-groups.ts';

/** Rows of the table of steps, which has one for each step of the plan's text. */
const GROUPS_SHOWN_MAX = 200;

/**
 * progress.md: what a manager wants to know in ten seconds, the most urgent first. Computed when it is read, from the
 * views and the waits alone.
 */
export function renderProgress(plan: PlanView, steps: StepView[], o: ProgressOptions): string {
  const page = new ProgressPage(plan, steps, o);
  const sections = [
    `# Plan ${code(plan.name)}`,
    headline(page),
    ...list('Needs a person', badLines(page)),
    ...list('Waits for', waitLines(page)),
    ...list('Runs now', runningLines(page)),
    ...list('The base', baselineLines(page)),
    ...list('Result', resultLines(page)),
    `## Steps\n\n${table(page)}`,
    facts(page),
  ];
  return `${sections.join('\n\n')}\n`;
}

function list(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}\n\n${lines.join('\n')}`];
}

function headline(page: ProgressPage): string {
  const { status, reason, submittedAt, endedAt } = page.plan;
  const counted = `${page.steps.filter(isDone).length} of ${countOf(page.steps.length, 'step')} done`;
  if (status === 'running') {
    const estimate = estimateLeft(page.steps.map(timeOf), page.nowMs);
    const left = estimate ? `, ${describeEstimate(estimate)}` : '';
    // Nothing begins until somebody says so: that comes before all else.
    if (reason?.code === 'plan-paused')
      return `**Paused**: ${counted}. The plan was ${sentence(prose(reason.message))}`;
    return `**Running**: ${counted}${left}. ${attention(page)}`;
  }
  const took =
    endedAt === null
      ? ''
      : ` ${instant(endedAt)}, after ${roughDuration(Date.parse(endedAt) - Date.parse(submittedAt))}`;
  const why = reason && status !== 'completed' ? ` ${sentence(prose(reason.message))}` : '';
  return `**${status[0]!.toUpperCase()}${status.slice(1)}**${took}: ${counted}.${why}`;
}

/** Whether there is anything to do. */
function attention({ bad, steps }: ProgressPage): string {
  if (bad.length > 0)
    return `${countOf(bad.length, 'step')} ${bad.length === 1 ? 'needs' : 'need'} a person.`;
  const isUnderWay = steps.some(({ state }) => state === 'running' || state === 'sleeping');
  return isUnderWay ? 'Nobody needs to do anything.' : 'Nothing runs now.';
}

function table({ steps, groups }: ProgressPage): string {
  if (steps.length === 0) return 'None yet.';
  const rows = [...groups.values()].slice(0, GROUPS_SHOWN_MAX).map((group) => {
    const tookMs = typicalMs(group);
    const cells = [
      cellCode(group.name),
      `${group.steps.filter(isDone).length} of ${group.steps.length}`,
      openCounts(group.steps),
      tookMs === null ? '' : roughDuration(tookMs),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const rest = groups.size - rows.length;
  return [
    '| step | done | not done | takes |',
    '| --- | ---: | --- | ---: |',
    ...rows,
    ...(rest > 0 ? ['', `... and ${rest} more.`] : []),
  ].join('\n');
}

function facts({ plan, links }: ProgressPage): string {
  const base = plan.baseSha ? ` Base: ${code(plan.baseSha.slice(0, 12))}.` : '';
  const more = links
    ? ` All of it: ${link('steps', `${links}/steps`)}, ${link('ledger', `${links}/ledger`)}.`
    : '';
  return [
    `Plan ${code(plan.planId)} of tenant ${code(plan.tenant)}, submitted ${instant(plan.submittedAt)}.${base}${more}`,
    `Computed from the ledger up to event ${plan.head.seq} (${plan.head.hash.slice(0, 16)}). Do not edit: nobody reads it back.`,
  ].join('\n');
}
