import type { FleetCaps } from '#domain';
import type { Drift } from '../core/process.ts';

/** How much goes wrong in a run. In a calm one nothing does. */
export type Mood = 'calm' | 'rough' | 'stormy';

export interface FleetSettings {
  leaseMs: number;
  claimTimeoutMs: number;
  /** Of a term. */
  ttlMs: number;
  drainGraceMs: number;
  caps: FleetCaps;
}

/** Somebody sets limits anew while the fleet runs; null takes one back. */
export interface PlannedChange {
  atMs: number;
  limits: Record<string, number | null>;
}

export interface PlannedProcess {
  name: string;
  drift: Drift;
}

export interface PlannedWorker extends PlannedProcess {
  pools: string[];
  slots: number;
}
