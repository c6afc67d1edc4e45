import type { MatrixValue, StepDefinition, StepInstance, StepWork, TextSource } from '#domain';
import { cut, escapeText } from '../rendering/escape.ts';

/** What people are told of a step before it runs. Everything here is escaped: plans and repositories are strangers'. */

const COMMAND_WIDTH = 60;

/** `run: npm test`, `codemod (JavaScript)`, `waits 2h`. */
export function workWords(work: StepWork): string {
  switch (work.kind) {
    case 'noop':
      return 'joins';
    case 'wait':
      if ('forMs' in work.until) return `waits ${durationText(work.until.forMs)}`;
      if ('at' in work.until) return `waits until ${escapeText(work.until.at)}`;
      return `waits as ${short(work.until.expression)} says`;
    case 'run':
      return work.script === null ? commandWords(work.commands) : `runs ${sourceWords(work.script.source)}`;
    case 'codemod':
      return work.engine === 'jscodeshift'
        ? `codemod (jscodeshift, ${sourceWords(work.transform)})`
        : `codemod (${escapeText(work.language)}, ${sourceWords(work.rules)})`;
    case 'agent':
      return `agent: ${short(work.command)}`;
  }
}

function commandWords(commands: string[]): string {
  const more = commands.length > 1 ? ` and ${commands.length - 1} more` : '';
  return `run: ${short(commands[0] ?? '')}${more}`;
}

function sourceWords(source: TextSource): string {
  return 'file' in source ? escapeText(source.file) : 'inline';
}

function short(command: string): string {
  const line = command.trim().replace(/\s*\n[\s\S]*$/, ' …');
  return cut(escapeText(line), COMMAND_WIDTH);
}

/** What is not as it always is, each in a few words; needs are not among them. */
export function facetWords(step: StepDefinition): string[] {
  const words: string[] = [];
  if (step.when !== null) words.push(`when ${short(step.when)}`);
  if (step.locks.length > 0) words.push(`lock${step.locks.length > 1 ? 's' : ''} ${listed(step.locks)}`);
  if (step.priority !== 0) words.push(`priority ${step.priority}`);
  if (step.pool !== 'default') words.push(`pool ${escapeText(step.pool)}`);
  if (step.work.kind === 'agent') words.push(`${step.attempts} attempt${step.attempts > 1 ? 's' : ''}`);
  if (step.verify.length > 0) words.push(`check${step.verify.length > 1 ? 's' : ''} ${listed(step.verify)}`);
  if (step.network) words.push('network');
  return words;
}

/** `7`, or what a person is told of a fan-out that nobody can know yet. */
export function countWords(step: StepDefinition, instances: StepInstance[] | null): string {
  if (instances === null) return ' × ? (decided at run time)';
  return step.matrix === null ? '' : ` × ${instances.length}`;
}

/** `s4`, `s4-s9`: the instances of one step have ordinals in a row. */
export function ordinalWords(instances: StepInstance[] | null): string {
  const [first, last] = [instances?.[0], instances?.at(-1)];
  if (first === undefined || last === undefined) return '';
  return first === last ? `s${first.ordinal}` : `s${first.ordinal}-s${last.ordinal}`;
}

export function matrixWords(matrix: MatrixValue): string {
  if ('value' in matrix) return escapeText(matrix.value);
  if ('item' in matrix) return escapeText(JSON.stringify(matrix.item));
  return listed(matrix.files, 3);
}

const LISTED_MAX = 4;

export function listed(names: readonly string[], most = LISTED_MAX): string {
  const shown = names.slice(0, most).map(short);
  return names.length > most ? `${shown.join(', ')} and ${names.length - most} more` : shown.join(', ');
}

/** As a plan would say it: `90m`, `2h`. */
export function durationText(ms: number): string {
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const)
    if (ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}
