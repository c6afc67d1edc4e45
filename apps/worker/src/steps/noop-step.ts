import type { ResultMessage } from '#contracts';

/** Nothing to do, nothing to hold: the result itself binds the lease, which saves the claim. */
export function noopResult(): ResultMessage['result'] {
  return { status: 'passed', commit: null, outputs: {}, resolved: null, candidate: null };
}
