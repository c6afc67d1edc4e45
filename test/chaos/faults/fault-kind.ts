/**
 * Everything that is done to the fleet. `subject` is what it is done to: two faults of one subject are never planned at
 * the same time, as the second would undo or hide the first. `lasts` says how long, in terms of the fleet's lease.
 */
export const FAULT_KINDS = {
  'worker-killed': { subject: 'worker', lasts: 'instant' },
  'worker-stopped': { subject: 'worker', lasts: 'past-lease' },
  'worker-paused': { subject: 'worker', lasts: 'short' },
  'decider-killed': { subject: 'decider', lasts: 'instant' },
  'decider-stopped': { subject: 'decider', lasts: 'past-lease' },
  'standby-killed': { subject: 'standby', lasts: 'instant' },
  'standby-stopped': { subject: 'standby', lasts: 'past-lease' },
  'nats-killed': { subject: 'nats', lasts: 'instant' },
  'nats-stopped': { subject: 'nats', lasts: 'short' },
  'jetstream-wiped': { subject: 'nats', lasts: 'instant' },
  'postgres-killed': { subject: 'postgres', lasts: 'instant' },
  'postgres-stopped': { subject: 'postgres', lasts: 'short' },
  'backend-killed': { subject: 'postgres', lasts: 'instant' },
  'worker-link-cut': { subject: 'worker-link', lasts: 'short' },
  'worker-link-slow': { subject: 'worker-link', lasts: 'past-lease' },
  'worker-link-black-hole': { subject: 'worker-link', lasts: 'past-lease' },
  'worker-link-half-open': { subject: 'worker-link', lasts: 'past-lease' },
  'ledger-link-cut': { subject: 'ledger-link', lasts: 'short' },
  'ledger-link-slow': { subject: 'ledger-link', lasts: 'short' },
  'ledger-link-black-hole': { subject: 'ledger-link', lasts: 'past-lease' },
  'ledger-link-half-open': { subject: 'ledger-link', lasts: 'past-lease' },
  'disk-full': { subject: 'disk', lasts: 'short' },
  'remote-cut': { subject: 'remote', lasts: 'short' },
  'remote-black-hole': { subject: 'remote', lasts: 'short' },
} as const satisfies Record<string, { subject: string; lasts: 'instant' | 'short' | 'past-lease' }>;

export type FaultKind = keyof typeof FAULT_KINDS;

export const ALL_FAULT_KINDS = Object.keys(FAULT_KINDS) as FaultKind[];
