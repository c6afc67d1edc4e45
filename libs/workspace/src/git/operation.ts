import { inSpan, measuring, names, type Attributes, type LabelsOf, type SpanName } from '#telemetry';

export type GitOperation = LabelsOf<'gitOperations'>['operation'];

/** Those that a person looks for in the trace of a lease. */
const SPANS: Partial<Record<GitOperation, SpanName>> = {
  fetch: names.spans.gitFetch,
  checkout: names.spans.gitCheckout,
  merge: names.spans.gitMerge,
  commit: names.spans.gitCommit,
  push: names.spans.gitPush,
  publish: names.spans.gitPush,
};

/** Git work as people know it: measured, and in the live trace. Waiting for the mirror's lock counts. */
export function gitOperation<T>(
  operation: GitOperation,
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  const measured = (): Promise<T> =>
    measuring('gitOperations', (failed) => ({ operation, result: failed ? 'failed' : 'ok' }), work);
  const span = SPANS[operation];
  return span === undefined ? measured() : inSpan(span, attributes, measured);
}
