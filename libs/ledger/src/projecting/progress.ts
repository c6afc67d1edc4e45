import type { PlanView, StepView } from './plan-views.ts';
import { STEP_STATES } from './step-row.ts';

/** Rows of the table of steps; a page of 100,000 rows helps nobody. */
const STEPS_SHOWN_MAX = 1_000;
const REASON_LENGTH_MAX = 300;

/**
 * progress.md: computed when it is read, kept nowhere. Names and reasons come from plans, repositories and programs:
 * none of them can add markup, links, lines or terminal controls.
 */
export function renderProgress(plan: PlanView, steps: StepView[]): string {
  const bad = steps.filter((step) => step.state === 'blocked' || step.state === 'poisoned');
  return [
    `# Plan ${code(plan.name)}`,
    '',
    ...summary(plan),
    '',
    ...counts(plan),
    ...(bad.length > 0 ? ['', '## Needs a person', '', ...bad.slice(0, STEPS_SHOWN_MAX).map(badLine)] : []),
    '',
    '## Steps',
    '',
    ...table(steps),
    '',
    `Computed from the ledger up to event ${plan.head.seq} (${plan.head.hash.slice(0, 16)}). Do not edit: it is rendered on reading.`,
    '',
  ].join('\n');
}

function summary(plan: PlanView): string[] {
  const { integration } = plan;
  return [
    `- Plan: ${code(plan.planId)}, tenant ${code(plan.tenant)}`,
    `- Status: **${plan.status}**${plan.reason ? `: ${prose(plan.reason.message)}` : ''}`,
    `- Submitted: ${prose(plan.submittedAt)}${plan.endedAt ? `, ended: ${prose(plan.endedAt)}` : ''}`,
    ...(plan.baseSha ? [`- Base: ${code(plan.baseSha)}`] : []),
    ...(integration
      ? [`- Integration: ${code(integration.branch)} at ${code(integration.sha)}, ${integration.state}`]
      : []),
  ];
}

function counts(plan: PlanView): string[] {
  const shown = STEP_STATES.filter((state) => plan.counts[state] > 0);
  if (shown.length === 0) return ['No steps yet.'];
  return [
    `| ${shown.join(' | ')} |`,
    `|${shown.map(() => ' ---: |').join('')}`,
    `| ${shown.map((state) => plan.counts[state]).join(' | ')} |`,
  ];
}

function badLine(step: StepView): string {
  return `- **${step.state}** s${step.ordinal} ${code(step.name)}: ${prose(step.reason?.message ?? 'no reason recorded')}`;
}

function table(steps: StepView[]): string[] {
  if (steps.length === 0) return ['None yet.'];
  const rest = steps.length - STEPS_SHOWN_MAX;
  return [
    '| step | name | state | attempts | note |',
    '| --- | --- | --- | ---: | --- |',
    ...steps.slice(0, STEPS_SHOWN_MAX).map((step) => {
      // Renderers disagree about `\|` inside a cell: another bar is safe in all of them.
      const name = code(step.name).replaceAll('|', '\u2502');
      const note = step.reason
        ? prose(step.reason.message)
        : step.commit
          ? code(step.commit.sha.slice(0, 12))
          : '';
      return `| s${step.ordinal} | ${name} | ${step.state} | ${step.attemptsUsed} | ${note} |`;
    }),
    ...(rest > 0 ? ['', `... and ${rest} more.`] : []),
  ];
}

/** A code span whatever the text holds: its fence is longer than any run of backticks inside. */
function code(text: string): string {
  const plain = oneLine(text);
  if (plain === '') return '(empty)';
  const longest = Math.max(0, ...(plain.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest > 0 ? `${fence} ${plain} ${fence}` : `${fence}${plain}${fence}`;
}

/** Text in which no character is markup. */
function prose(text: string): string {
  const plain = oneLine(text);
  const short =
    plain.length > REASON_LENGTH_MAX ? `${plain.slice(0, REASON_LENGTH_MAX).toWellFormed()}...` : plain;
  return short
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_[\]#|~!@]/g, '\\$&')
    .replace(/:\/\//g, ':&#47;/')
    .replace(/\bwww\./gi, 'www&#46;');
}

/** No line breaks, no terminal controls, no characters that turn the reading direction. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD')
    .trim();
}
