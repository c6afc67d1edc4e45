import { formatOrdinal, type PlanDefinition, type PlanEvent, type StepInstance } from '#domain';
import type { PlanView, StepView } from '#client';
import {
  changeStep,
  end,
  groupName,
  hasEndedStep,
  isDone,
  newStep,
  reopen,
  time,
  type WatchedStep,
} from './watched-step.ts';

/** An event as the server tells it: a newer one may know types that are not known here. */
export interface ToldEvent {
  seq: number;
  at: string;
  type: string;
  data: unknown;
}

/** What an event changed: the plan itself, one step, or both. */
export interface Change {
  step: WatchedStep | null;
  /** The step's state before. */
  before: string | null;
}

export interface WatchedIntegration {
  branch: string;
  sha: string;
  state: string;
}

/** A plan as somebody who watches it sees it: a picture of it, brought on by its events. */
export class WatchedPlan {
  status: string;
  reason: string | null;
  /** Who paused it, and why; null: it is not paused. */
  paused: string | null;
  endedMs: number | null;
  integration: WatchedIntegration | null;
  /** The last event that is in here. */
  seq: number;
  readonly planId: string;
  readonly name: string;
  readonly submittedMs: number | null;
  private done = 0;
  /** The same for each group. */
  private readonly groupProgress = new Map<string, { done: number; all: number }>();
  private ordered: WatchedStep[] | null = null;
  private readonly byOrdinal = new Map<string, WatchedStep>();
  private readonly defined = new Map<string, { needs: readonly string[]; attempts: number }>();

  /** `definition`: null when nobody could tell it; then there is no word of how many attempts a step may have. */
  constructor(plan: PlanView, steps: readonly PicturedStep[], definition: PlanDefinition | null) {
    this.planId = plan.planId;
    this.name = plan.name;
    this.status = plan.status;
    this.reason = plan.reason?.message ?? null;
    this.paused = plan.reason?.code === 'plan-paused' ? plan.reason.message : null;
    this.submittedMs = time(plan.submittedAt);
    this.endedMs = time(plan.endedAt);
    this.integration = plan.integration ?? null;
    this.seq = plan.head?.seq ?? 0;
    for (const { name, needs, attempts } of definition?.steps ?? []) {
      this.defined.set(name, { needs, attempts });
    }
    for (const step of steps) this.byOrdinal.set(step.ordinal, this.fromView(step));
    for (const step of this.byOrdinal.values()) this.count(step);
  }

  /** In the order in which a person reads the plan: what runs first, the steps as its text has them, what comes last. */
  steps(): readonly WatchedStep[] {
    this.ordered ??= this.inOrder();
    return this.ordered;
  }

  /** How many steps there are, and how many of them need no more work. */
  progress(): { done: number; all: number } {
    return { done: this.done, all: this.byOrdinal.size };
  }

  /** What a step still needs of its own plan: `needs convert (4 of 6 done)`. null: nothing. */
  openNeeds(step: WatchedStep): string | null {
    const open = step.needs.flatMap((need) => {
      const { done, all } = this.groupProgress.get(need) ?? { done: 0, all: 0 };
      if (all === 0) return [`${need} (its steps are not decided yet)`];
      return done === all ? [] : [`${need} (${done} of ${all} done)`];
    });
    return open.length === 0 ? null : `needs ${open.join(', ')}`;
  }

  /** Names that the plan's text defines; empty when it is not known. */
  groups(): string[] {
    return [...this.defined.keys()];
  }

  /** By ordinal or name. */
  step(which: string): WatchedStep | null {
    return this.byOrdinal.get(which) ?? this.steps().find(({ name }) => name === which) ?? null;
  }

  /** null: the event changed nothing that is shown. */
  apply(told: ToldEvent): Change | null {
    const event = told as { type: string; data: unknown } as PlanEvent;
    // What an operator did has no epoch: it counts when the picture did not know of it.
    const isNews = told.seq > this.seq;
    this.seq = Math.max(this.seq, told.seq);
    const atMs = time(told.at) ?? 0;
    const ordinal = 'ordinal' in event.data ? event.data.ordinal : null;
    const step = ordinal === null ? undefined : this.byOrdinal.get(formatOrdinal(ordinal));
    const before = step?.state ?? null;
    const isReopened = step !== undefined && isNews && reopens(event) && reopen(step);
    const changedStep =
      (step !== undefined && changeStep(step, event as Parameters<typeof changeStep>[1], atMs)) || isReopened;
    if (changedStep) this.countDone(step, Number(isDone(step.state)) - Number(isDone(before ?? '')));
    const changedPlan = (isNews && this.operate(event)) || this.change(event, atMs);
    if (!changedStep && !changedPlan) return null;
    return { step: changedStep ? step : null, before: changedStep ? before : null };
  }

  /** What the decider says that steps wait for, by ordinal; steps that are not named wait for nothing. */
  setWaits(waits: ReadonlyMap<string, string>): void {
    for (const step of this.byOrdinal.values()) step.wait = waits.get(step.ordinal) ?? null;
  }

  private operate(event: PlanEvent): boolean {
    switch (event.type) {
      case 'plan.paused': {
        const { by, why } = event.data;
        this.paused = `paused by ${by.name}${why ? `: ${why}` : ''}`;
        return true;
      }
      case 'plan.resumed':
        this.paused = null;
        return true;
      case 'plan.reopened':
        Object.assign(this, { status: 'running', reason: null, endedMs: null });
        return true;
      default:
        return false;
    }
  }

  private change(event: PlanEvent, atMs: number): boolean {
    switch (event.type) {
      case 'plan.expanded':
      case 'steps.expanded':
        return this.add(event.data.steps);
      case 'integration.accepted': {
        const { branch, commit } = event.data;
        this.integration ??= { branch, sha: commit.sha, state: 'accepted' };
        return true;
      }
      case 'integration.published':
        if (this.integration) this.integration.state = 'published';
        return true;
      case 'plan.cancelled': {
        const { by, why } = event.data;
        this.cancelOpen('the plan was cancelled', atMs);
        return this.finish('cancelled', `cancelled by ${by.name}${why ? `: ${why}` : ''}`, atMs);
      }
      case 'plan.halted':
        if (event.data.cancelsOpen) this.cancelOpen(event.data.reason.message, atMs);
        return this.finish('halted', event.data.reason.message, atMs);
      case 'plan.completed':
        return this.finish('completed', event.data.reason.message, atMs);
      default:
        return false;
    }
  }

  private add(steps: readonly StepInstance[]): boolean {
    let added = false;
    for (const instance of steps) {
      const ordinal = formatOrdinal(instance.ordinal);
      if (this.byOrdinal.has(ordinal)) continue;
      added = true;
      this.ordered = null;
      const step = newStep({ ...instance, ordinal }, this.defined.get(groupName(instance.name)) ?? null);
      this.byOrdinal.set(ordinal, step);
      this.count(step);
    }
    return added;
  }

  private count(step: WatchedStep): void {
    const group = this.groupProgress.get(step.group) ?? { done: 0, all: 0 };
    group.all += 1;
    this.groupProgress.set(step.group, group);
    this.countDone(step, Number(isDone(step.state)));
  }

  private countDone(step: WatchedStep, change: number): void {
    this.done += change;
    this.groupProgress.get(step.group)!.done += change;
  }

  private inOrder(): WatchedStep[] {
    const places = new Map([...this.defined.keys()].map((name, index) => [name, index]));
    const last = places.size;
    const placeOf = ({ kind, group }: WatchedStep): number => {
      const system = SYSTEM_PLACES[kind];
      if (system !== undefined) return system < 0 ? system : last + system;
      return places.get(group) ?? last;
    };
    return [...this.byOrdinal.values()]
      .map((step) => ({ step, place: placeOf(step) }))
      .sort((one, other) => one.place - other.place)
      .map(({ step }) => step);
  }

  private finish(status: string, reason: string, atMs: number): boolean {
    if (this.endedMs !== null) return false;
    Object.assign(this, { status, reason, paused: null, endedMs: atMs });
    return true;
  }

  /** But for those that tell of the plan's end and clean up after it. */
  private cancelOpen(reason: string, atMs: number): void {
    for (const step of this.byOrdinal.values()) {
      if (hasEndedStep(step) || step.kind === 'clean' || step.kind === 'report') continue;
      end(step, 'cancelled', { epoch: step.epoch, atMs, reason });
    }
  }

  private fromView(view: PicturedStep): WatchedStep {
    const defined = this.defined.get(groupName(view.name)) ?? null;
    const step = newStep(view, defined);
    return Object.assign(step, {
      needs: view.needs ?? step.needs,
      state: view.state,
      epoch: view.epoch,
      attempts: view.attempts,
      startedMs: time(view.startedAt),
      endedMs: time(view.endedAt),
      untilMs: time(view.notBefore),
      reason: view.reason?.message ?? null,
      wait: view.wait ?? null,
    });
  }
}

/** What an operator does to a step that ended badly, so that the plan can go on. */
function reopens({ type }: PlanEvent): boolean {
  return type === 'step.reopened' || type === 'step.skipped';
}

/** Before the plan's own steps, or behind them. */
const SYSTEM_PLACES: Record<string, number> = {
  resolve: -2,
  baseline: -1,
  integrate: 1,
  publish: 2,
  report: 3,
  clean: 4,
};

/** A step as the server lists it. */
export type PicturedStep = StepView & { needs?: string[] | undefined; notBefore?: string | null | undefined };
