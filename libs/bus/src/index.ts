export { Bus, type BusStatus } from './connection/bus.ts';
export { type BusOptions, connectBus } from './connection/connect.ts';
export * from './errors.ts';
export { type Clock, systemClock } from './leasing/clock.ts';
export { type HeldLease, LeaseKeeper, type LeaseKeeperOptions } from './leasing/lease-keeper.ts';
export { Announcer, type AnnouncerOptions } from './deciding/announcer.ts';
export {
  type DeciderHandlers,
  DeciderServer,
  type DeciderServerOptions,
  type RequestMeta,
  type ServedTerm,
} from './deciding/decider-server.ts';
export { DeadLetters, type DeadLetter, type DeadLettersOptions } from './queueing/dead-letters.ts';
export type { JobKey } from './queueing/job-key.ts';
export { type DeliveryState, JobQueue, type JobQueueOptions, type Published } from './queueing/job-queue.ts';
export type { LeaseHint } from './queueing/lease-hints.ts';
export {
  DeciderClient,
  type DeciderClientOptions,
  type DeciderProtocol,
} from './requesting/decider-client.ts';
export { DeciderLocator, type DeciderLocatorOptions } from './requesting/decider-locator.ts';
export { JobContext } from './serving/job-context.ts';
export {
  JETSTREAM_TRANSPORT,
  JOB_PATTERN,
  JetStreamJobServer,
  type JetStreamJobServerOptions,
  OnJob,
} from './serving/job-server.ts';
export { onWorkerSignal, signalWorker } from './signalling/worker-signals.ts';
