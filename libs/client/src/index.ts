export * from './errors.ts';
export type { Problem, TextProblem } from './problem.ts';
export { problemError } from './refusal.ts';
export { planEvents, type EventStreamOptions, type StreamedEvent } from './event-stream.ts';
