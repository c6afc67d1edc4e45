import { prose, sentence } from './markdown.ts';
import type { StepView } from './plan-views.ts';
import { countOf, withRest, type ProgressPage } from './progress-page.ts';
import { groupName, heldBy } from './step-groups.ts';

const SHOWN_MAX = 50;

/** What went wrong, why, what it holds up, and where to look. */
export function badLines(page: ProgressPage): string[] {
  const held = heldBy(page.groups);
  const told = new Set<string>();
  const lines = page.bad.slice(0, SHOWN_MAX).map((step) => {
    // Once for each matrix: what waits for one of its steps waits for all of them.
    const group = groupName(step);
    const holds = told.has(group) ? '' : whatIsHeld(held(group));
    told.add(group);
    const why = sentence(prose(step.reason?.message ?? 'no reason is recorded'));
    return `- **${step.state}** ${page.nameOf(step)}: ${why}${holds}${lookAt(page, step)}`;
  });
  return withRest(lines, page.bad.length);
}

function whatIsHeld({ steps, isAll }: { steps: number; isAll: boolean }): string {
  if (steps === 0) return '';
  return ` ${isAll ? '' : 'More than '}${countOf(steps, 'step')} cannot start without it.`;
}

function lookAt(page: ProgressPage, step: StepView): string {
  if (page.links === null) return '';
  const attempt = step.attemptsUsed;
  const links: string[] = [];
  // The integration has a log, but no attempts in the ledger.
  if (attempt > 0 || step.kind === 'integrate') {
    links.push(page.link('log', step, `attempts/${Math.max(1, attempt)}/log`));
  }
  if (attempt > 0) links.push(page.link('diff', step, `attempts/${attempt}/diff`));
  if (attempt > 1) links.push(page.link('all attempts', step, 'attempts'));
  return links.length === 0 ? '' : ` (${links.join(', ')})`;
}
