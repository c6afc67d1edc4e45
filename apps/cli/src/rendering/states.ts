import type { Style } from './terminal.ts';

/** In the order in which they matter to somebody who waits. */
export const STATES = [
  'running',
  'admitted',
  'sleeping',
  'waiting',
  'passed',
  'skipped',
  'blocked',
  'poisoned',
  'cancelled',
] as const;

export function stateStyle(state: string): Style {
  if (state === 'passed') return 'green';
  if (state === 'running') return 'cyan';
  if (state === 'blocked' || state === 'poisoned') return 'red';
  return state === 'cancelled' ? 'yellow' : 'dim';
}

export function statusStyle(status: string): Style {
  if (status === 'completed') return 'green';
  return status === 'running' ? 'cyan' : 'red';
}

/** How many are in which state, those that there are, in the order above; unknown states come last. */
export function countStates(steps: Iterable<{ state: string }>): [state: string, count: number][] {
  const counts = new Map<string, number>(STATES.map((state) => [state, 0]));
  for (const { state } of steps) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 0);
}

/** `2 running · 4 waiting`, without colours. */
export function describeCounts(steps: Iterable<{ state: string }>): string {
  return countStates(steps)
    .map(([state, count]) => `${count} ${state}`)
    .join(' · ');
}
