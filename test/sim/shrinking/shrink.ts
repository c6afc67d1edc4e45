import type { Violation } from '../oracle/violation.ts';
import type { Scenario } from '../plans/scenario.ts';
import { run } from '../run.ts';
import { smaller } from './smaller.ts';

/** Enough for a story that a person reads; a failure is rare, its reader's time is not. */
const RUNS_MAX = 1_500;
const WALL_MS = 60_000;

export interface Shrunk {
  scenario: Scenario;
  violation: Violation;
  runs: number;
}

/**
 * Takes things out of a failing scenario for as long as the same promise breaks: halves of the faults first, then
 * whatever else can go. Greedy, and bounded: the smallest story is not needed, a short one is.
 */
export async function shrink(failing: Scenario, violation: Violation): Promise<Shrunk> {
  const endsAt = performance.now() + WALL_MS;
  let best: Shrunk = { scenario: failing, violation, runs: 0 };
  let runs = 0;
  for (let found = true; found;) {
    found = false;
    for (const candidate of smaller(best.scenario)) {
      if (runs >= RUNS_MAX || performance.now() > endsAt) return { ...best, runs };
      runs += 1;
      const outcome = await run(candidate);
      if (outcome.violation?.promise !== violation.promise) continue;
      best = { scenario: candidate, violation: outcome.violation, runs };
      found = true;
      break;
    }
  }
  return { ...best, runs };
}
