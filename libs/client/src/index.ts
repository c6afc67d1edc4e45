export * from './errors.ts';
export type { Problem, TextProblem } from './problem.ts';
export { problemError } from './refusal.ts';
export { planEvents, type EventStreamOptions, type StreamedEvent } from './event-stream.ts';
export * from './skein-client.ts';
export type { TransportOptions } from './transport.ts';
export type * from './schemas.ts';
export type { operations, paths } from './generated/api.ts';
