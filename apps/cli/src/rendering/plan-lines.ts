import { isBad, type WatchedStep } from '../watching/watched-step.ts';

export interface StepLine {
  kind: 'step';
  step: WatchedStep;
  /** Below the line of its group. */
  indented: boolean;
}

/** All steps of one matrix in one line. */
export interface GroupLine {
  kind: 'group';
  name: string;
  steps: WatchedStep[];
}

export interface ChosenLines {
  lines: (StepLine | GroupLine)[];
  /** Steps of which no line tells. */
  hidden: number;
}

/**
 * What to show when `room` lines are there. Everything, if it fits. Else each matrix is one line, and below it come
 * those of its steps that went wrong or run; what happened last and what runs longest goes first. When
 * steps stay hidden, a line is left to say so.
 */
export function chooseLines(steps: readonly WatchedStep[], room: number): ChosenLines {
  if (room <= 0) return { lines: [], hidden: 0 };
  if (steps.length <= room) {
    return { lines: steps.map((step) => ({ kind: 'step', step, indented: false })), hidden: 0 };
  }
  const groups = groupsOf(steps);
  const everyStepTold = choose(steps, groups, room);
  return everyStepTold.hidden === 0 ? everyStepTold : choose(steps, groups, room - 1);
}

function choose(steps: readonly WatchedStep[], groups: Map<string, GroupLine>, room: number): ChosenLines {
  const chosen = new Choice(room);
  const matrices = [...groups.values()].filter((group) => group.steps.length > 1);
  chosen.take(busiestFirst(matrices), Math.max(1, Math.floor(room / 2)));
  const bad = newestFirst(steps.filter(isBad));
  chosen.take(bad, Math.ceil(chosen.left / 2));
  chosen.take(oldestFirst(steps.filter(({ state }) => state === 'running')));
  chosen.take(bad);
  const alone = steps.filter(({ group }) => groups.get(group)!.steps.length === 1);
  for (const states of [['sleeping', 'admitted'], ['waiting'], ['cancelled'], ['passed', 'skipped']]) {
    chosen.take(alone.filter(({ state }) => states.includes(state)));
  }
  return inOrder(chosen, steps, groups);
}

/** Takes lines while there is room. */
class Choice {
  readonly taken = new Set<WatchedStep | GroupLine>();

  constructor(readonly room: number) {}

  get left(): number {
    return this.room - this.taken.size;
  }

  take(lines: readonly (WatchedStep | GroupLine)[], most = Infinity): void {
    let left = Math.min(most, this.left);
    for (const line of lines) {
      if (left <= 0) return;
      if (this.taken.has(line)) continue;
      this.taken.add(line);
      left -= 1;
    }
  }
}

/** In the order of the plan's text: also steps that a run-time fan-out added late come below their group. */
function inOrder(chosen: Choice, steps: readonly WatchedStep[], groups: Map<string, GroupLine>): ChosenLines {
  const lines: (StepLine | GroupLine)[] = [];
  let told = 0;
  for (const group of groups.values()) {
    const isShown = chosen.taken.has(group);
    if (isShown) lines.push(group);
    const shown = group.steps.filter((step) => chosen.taken.has(step));
    for (const step of shown) lines.push({ kind: 'step', step, indented: isShown });
    told += isShown ? group.steps.length : shown.length;
  }
  return { lines, hidden: steps.length - told };
}

function groupsOf(steps: readonly WatchedStep[]): Map<string, GroupLine> {
  const groups = new Map<string, GroupLine>();
  for (const step of steps) {
    const group = groups.get(step.group);
    if (group) group.steps.push(step);
    else groups.set(step.group, { kind: 'group', name: step.group, steps: [step] });
  }
  return groups;
}

function busiestFirst(groups: GroupLine[]): GroupLine[] {
  const rank = ({ steps }: GroupLine): number => {
    if (steps.some((step) => isBad(step) || step.state === 'running')) return 0;
    return steps.some(({ endedMs }) => endedMs === null) ? 1 : 2;
  };
  return groups
    .map((group) => ({ group, rank: rank(group) }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ group }) => group);
}

function newestFirst(steps: WatchedStep[]): WatchedStep[] {
  return steps.sort((one, other) => (other.endedMs ?? 0) - (one.endedMs ?? 0));
}

function oldestFirst(steps: WatchedStep[]): WatchedStep[] {
  return steps.sort((one, other) => (one.startedMs ?? 0) - (other.startedMs ?? 0));
}
