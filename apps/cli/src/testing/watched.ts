import type { PlanDefinition, PlanEvent } from '#domain';
import { aPlan, aStep } from '#testing';
import type { PlanView } from '#client';
import { aPlanView, aStepView } from './answers.ts';
import { WatchedPlan, type PicturedStep, type ToldEvent } from '../watching/watched-plan.ts';

export const SUBMITTED_MS = Date.parse('2026-11-20T12:00:00.000Z');

export function iso(afterMs: number): string {
  return new Date(SUBMITTED_MS + afterMs).toISOString();
}

export function aSummary(change: Partial<PlanView> = {}): PlanView {
  return aPlanView({
    planId: 'plan1',
    name: 'move-to-esm',
    status: 'running',
    submittedAt: iso(0),
    head: { seq: 10, hash: 'f'.repeat(64) },
    ...change,
  });
}

/** A step as the server lists it; its name follows from the ordinal. */
export function aPictured(ordinal: number, change: Partial<PicturedStep> = {}): PicturedStep {
  return aStepView({
    ordinal: `s${ordinal}`,
    name: `step-${ordinal}`,
    kind: 'run',
    state: 'waiting',
    ...change,
  });
}

export function aWatchedPlan(
  steps: PicturedStep[],
  o: { summary?: Partial<PlanView>; definition?: PlanDefinition } = {},
): WatchedPlan {
  return new WatchedPlan(aSummary(o.summary), steps, o.definition ?? null);
}

/** Of these steps, each with as many attempts. */
export function aDefinition(names: string[], attempts = 3): PlanDefinition {
  return aPlan({ steps: names.map((name) => aStep({ name, attempts })) });
}

let seq = 100;

/** An event as a stream tells it, `afterMs` after the submission. */
export function told<T extends PlanEvent['type']>(
  type: T,
  data: Partial<Extract<PlanEvent, { type: T }>['data']>,
  afterMs = 60_000,
): ToldEvent {
  seq += 1;
  return { seq, at: iso(afterMs), type, data };
}

export const because = (message: string) => ({ code: 'x', message });
