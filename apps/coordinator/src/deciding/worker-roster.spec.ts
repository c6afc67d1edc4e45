import type { HeartbeatMessage } from '#contracts';
import { WorkerRoster } from './worker-roster.ts';

const SILENCE_MS = 1_000;
const WORKERS_MAX = 20_000;

describe('the roster of workers', () => {
  const beat = (worker: string, more: Partial<HeartbeatMessage> = {}): HeartbeatMessage => ({
    worker,
    pools: ['default'],
    slots: 2,
    draining: false,
    leases: [],
    ...more,
  });

  it('adds up the slots of who is not draining, in each pool', () => {
    const roster = new WorkerRoster(SILENCE_MS);
    expect(roster.heard(beat('a'), 0)).toBe(true);
    expect(roster.heard(beat('a'), 0)).toBe(false);
    roster.heard(beat('b', { pools: ['default', 'heavy'], slots: 3 }), 0);
    roster.heard(beat('c', { draining: true }), 0);
    expect(Object.fromEntries(roster.slots())).toEqual({ default: 5, heavy: 3 });
  });

  it('forgets who was silent', () => {
    const roster = new WorkerRoster(SILENCE_MS);
    roster.heard(beat('a'), 0);
    roster.heard(beat('b'), 500);
    expect(roster.sweep(SILENCE_MS + 1)).toBe(true);
    expect(roster.list().map(({ worker }) => worker)).toEqual(['b']);
    expect(Object.fromEntries(roster.slots())).toEqual({ default: 2 });
  });

  it('is bounded, whatever names are made up: the known ones are still heard, and a new one when some have gone', () => {
    const roster = new WorkerRoster(SILENCE_MS);
    for (let at = 0; at < WORKERS_MAX; at += 1) roster.heard(beat(`w${at}`), 0);
    expect(roster.heard(beat('one-more'), 0)).toBe(false);
    expect(roster.list()).toHaveLength(WORKERS_MAX);
    expect(roster.slots().get('default')).toBe(2 * WORKERS_MAX);
    expect(roster.heard(beat('w0', { slots: 4 }), SILENCE_MS)).toBe(true);
    roster.sweep(SILENCE_MS + 1);
    expect(roster.heard(beat('one-more'), SILENCE_MS + 1)).toBe(true);
    expect(roster.list().map(({ worker }) => worker)).toEqual(['w0', 'one-more']);
  });
});
