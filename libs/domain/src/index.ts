export * from './json.ts';
export * from './time.ts';
export * from './plan/definition.ts';
export * from './plan/expressions.ts';
export * from './plan/state.ts';
export * from './plan/evolve.ts';
export * from './plan/decide.ts';
export * from './plan/expansion.ts';
export * from './plan/forking.ts';
export * from './plan/scope.ts';
export * from './plan/lanes.ts';
export * from './plan/input.ts';
export * from './plan/inputs-of.ts';
export * from './ledger/events.ts';
export * from './ledger/upcast.ts';
export * from './leasing/backoff.ts';
export * from './scheduling/limits.ts';
export * from './scheduling/repository-address.ts';
export { Caps, type Cap, type FleetCaps } from './scheduling/caps.ts';
export * from './scheduling/fleet.ts';
export type { Place } from './scheduling/tenant-ring.ts';
export * from './scheduling/explain.ts';
export {
  describeEstimate,
  estimateLeft,
  roughDuration,
  type Estimate,
  type StepTime,
} from './scheduling/estimate.ts';
