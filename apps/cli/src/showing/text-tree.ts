import type { PlanDefinition, StepInstance } from '#domain';
import { escapeText } from '../rendering/escape.ts';
import type { Paint } from '../rendering/terminal.ts';
import { placeSteps, type Place } from './placing.ts';
import type { PlanPreview } from './preview.ts';
import {
  countWords,
  durationText,
  facetWords,
  listed,
  matrixWords,
  ordinalWords,
  workWords,
} from './step-words.ts';

/** More is for programs: `--json` has all of it. */
const STEPS_MAX = 500;
const INSTANCES_MAX = 3;
/** A chain goes on at this indentation; its steps say what they follow. */
const LEVELS_MAX = 12;

/** A plan as a tree of its steps, a line or two for each. */
export function renderTree(preview: PlanPreview, paint: Paint): string {
  const { definition, system, steps } = preview;
  const before = system.filter(({ kind }) => kind === 'resolve' || kind === 'baseline');
  const after = system.filter((step) => !before.includes(step));
  const lines = [...headLines(preview, paint), ''];
  for (const step of before) lines.push(systemLine(step, definition, paint));
  const walk = new Walk(preview, paint);
  walk.steps();
  lines.push(...walk.lines);
  if (walk.shown < steps.length)
    lines.push(paint('dim', `… and ${steps.length - walk.shown} more steps (--json shows all)`));
  for (const step of after) lines.push(systemLine(step, definition, paint));
  return lines.join('\n');
}

function headLines(preview: PlanPreview, paint: Paint): string[] {
  const { definition, baseSha, count, fanOuts } = preview;
  const lines = [paint('bold', escapeText(definition.name))];
  const fact = (name: string, value: string) => lines.push(`  ${name.padEnd(10)} ${value}`);
  if (definition.repo)
    fact(
      'repository',
      `${escapeText(definition.repo.url)}, base ${escapeText(definition.repo.base)} at ${baseSha?.slice(0, 12)}`,
    );
  const params = Object.entries(definition.params).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  if (params.length > 0) fact('params', listed(params, 10));
  const labels = Object.entries(definition.labels).map(([name, value]) => `${name}=${value}`);
  if (labels.length > 0) fact('labels', listed(labels, 10));
  const limits = limitWords(definition);
  if (limits.length > 0) fact('limits', limits.join(', '));
  const more = fanOuts > 0 ? `, and those of ${plural(fanOuts, 'fan-out')} that are decided at run time` : '';
  fact('steps', `${count}${more}`);
  return lines;
}

function limitWords(plan: PlanDefinition): string[] {
  const words: string[] = [];
  if (plan.maxParallel !== null) words.push(`${plan.maxParallel} at once`);
  if (plan.priority !== 0) words.push(`priority ${plan.priority}`);
  if (plan.deadline !== null)
    words.push(
      'at' in plan.deadline
        ? `deadline ${escapeText(plan.deadline.at)}`
        : `deadline ${durationText(plan.deadline.afterMs)} after submission`,
    );
  const locks = Object.entries(plan.locks).map(([name, count]) => `${name} (${count})`);
  if (locks.length > 0) words.push(`locks ${listed(locks)}`);
  if (plan.sandbox === 'required') words.push('only in a sandbox');
  return words;
}

function systemLine(step: StepInstance, plan: PlanDefinition, paint: Paint): string {
  const about = systemWords(step, plan);
  return `${paint('cyan', step.name)} ${paint('dim', `s${step.ordinal}`)}${about === '' ? '' : `  ${paint('dim', about)}`}`;
}

function systemWords(step: StepInstance, plan: PlanDefinition): string {
  switch (step.kind) {
    case 'baseline': {
      const red = plan.baseline?.onRed === 'halt' ? 'a red check halts the plan' : 'a red check is reported';
      return `checks of the base before any attempt: ${listed(plan.baseline?.verify ?? [])}; ${red}`;
    }
    case 'integrate': {
      const verify = plan.integrate?.verify ?? [];
      const checks = verify.length > 0 ? `, checks ${listed(verify)}` : ', without checks';
      return `merges what was accepted${checks}`;
    }
    case 'publish':
      return `to the branch ${escapeText(plan.integrate?.branch ?? 'skein/<plan name>-<start of the plan id>')}`;
    case 'report':
      return `progress.md to the branch ${escapeText(plan.progress?.branch ?? '')}`;
    default:
      return '';
  }
}

interface Spot {
  place: Place;
  indent: string;
  /** Of its parent's children. */
  last: boolean;
  level: number;
  /** The parent, where the indentation does not show it any more. */
  after: string | null;
}

/** Depth first, without recursion: a plan may be a chain of a hundred thousand steps. */
class Walk {
  readonly lines: string[] = [];
  shown = 0;

  constructor(
    private readonly preview: PlanPreview,
    private readonly paint: Paint,
  ) {}

  steps(): void {
    const open: Spot[] = [];
    const push = (places: Place[], spot: Omit<Spot, 'place' | 'last'>) => {
      for (const [at, place] of places.toReversed().entries()) open.push({ place, last: at === 0, ...spot });
    };
    push(placeSteps(this.preview.definition.steps), { indent: '', level: 0, after: null });
    for (let spot = open.pop(); spot !== undefined; spot = open.pop()) {
      if (this.shown === STEPS_MAX) return;
      const { place, indent, last, level } = spot;
      const below = level === 0 ? '' : `${indent}${last ? '   ' : '│  '}`;
      this.step(spot, below);
      if (level < LEVELS_MAX) push(place.children, { indent: below, level: level + 1, after: null });
      else push(place.children, { indent, level, after: this.preview.steps[place.index]!.definition.name });
    }
  }

  private step({ place, indent, last, level, after }: Spot, below: string): void {
    const { definition, instances } = this.preview.steps[place.index]!;
    const { paint } = this;
    this.shown += 1;
    const ordinals = ordinalWords(instances);
    const branch = level === 0 ? '' : `${indent}${last ? '└─ ' : '├─ '}`;
    const follows = after === null ? [] : [`after ${listed([after])}`];
    const also = place.otherNeeds.length > 0 ? [`also after ${listed(place.otherNeeds)}`] : [];
    const notes = [workWords(definition.work), ...follows, ...also, ...facetWords(definition)].join(' · ');
    const name = paint('bold', escapeText(definition.name));
    const count =
      instances === null ? paint('yellow', countWords(definition, null)) : countWords(definition, instances);
    this.lines.push(
      `${paint('dim', branch)}${name}${count}${ordinals === '' ? '' : ` ${paint('dim', ordinals)}`}  ${paint('dim', notes)}`,
    );
    if (definition.matrix === null) return;
    const rail = `${below}${place.children.length > 0 ? '│' : ' '}    `;
    for (const line of instanceLines(instances)) this.lines.push(paint('dim', `${rail}${line}`));
    if (instances === null && definition.matrix.kind === 'from')
      this.lines.push(paint('dim', `${rail}one for each item of ${listed([definition.matrix.expression])}`));
  }
}

function instanceLines(instances: StepInstance[] | null): string[] {
  if (instances === null) return [];
  const lines = instances.slice(0, INSTANCES_MAX).map(({ matrix }) => (matrix ? matrixWords(matrix) : ''));
  const left = instances.length - lines.length;
  return left > 0 ? [...lines, `… and ${left} more`] : lines;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
