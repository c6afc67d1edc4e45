import { formatOrdinal } from '#domain';
import { code, link, prose } from './markdown.ts';
import type { PlanView, StepView } from './plan-views.ts';
import { groupsOf, isBad, type StepGroup } from './step-groups.ts';

export interface ProgressOptions {
  /** When it is read. */
  nowMs: number;
  /** What steps wait for, in the decider's words, by ordinal (`s3`). What is not there is told from the views alone. */
  waits?: Readonly<Record<string, string>>;
  /** Address of the plan in the API; null where the page is read elsewhere: then it has no links. */
  links?: string | null;
}

/** What the parts of the page are made from. */
export class ProgressPage {
  readonly groups: ReadonlyMap<string, StepGroup>;
  /** What went wrong, in the order of the plan. */
  readonly bad: readonly StepView[];
  readonly nowMs: number;
  readonly waits: Readonly<Record<string, string>>;
  readonly links: string | null;

  constructor(
    readonly plan: PlanView,
    readonly steps: readonly StepView[],
    o: ProgressOptions,
  ) {
    this.groups = groupsOf(steps);
    this.bad = steps.filter(isBad);
    this.nowMs = o.nowMs;
    this.waits = o.waits ?? {};
    this.links = o.links ?? null;
  }

  nameOf(step: StepView): string {
    return `${code(step.name)} (${formatOrdinal(step.ordinal)})`;
  }

  /** `path` is ours. */
  link(text: string, step: StepView, path: string): string {
    return link(text, `${this.links}/steps/${formatOrdinal(step.ordinal)}/${path}`);
  }
}

/** 2026-11-20 12:00 UTC */
export function instant(iso: string): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? prose(iso) : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function withRest(lines: string[], all: number): string[] {
  return all > lines.length ? [...lines, `- ... and ${all - lines.length} more.`] : lines;
}
