import type { ReleaseMessage, ResultMessage } from '#contracts';
import type { Reason } from '#domain';
import { trimMiddle } from '#sandbox';
import { redactText } from '#telemetry';
import { printable } from '../fixing/printable.ts';

/** What an error under a lease means for the step. */
export type Settlement =
  /** The lease is not ours any more: say nothing. */
  | { kind: 'drop' }
  | { kind: 'result'; result: ResultMessage['result'] }
  | { kind: 'release'; cause: ReleaseMessage['cause']; reason: Reason };

/**
 * Errors tell by `retry` whether another time can help. What can is handed back and tried again with backoff, what
 * cannot ends the step with its reason. An error without the field is a bug or a broken host: another worker may do
 * better, and the decider bounds how often.
 */
export function settle(error: unknown): Settlement {
  const { code, retry, reason } = (error ?? {}) as { code?: unknown; retry?: unknown; reason?: unknown };
  if (code === 'lease-lost') return { kind: 'drop' };
  const said = isReason(reason) ? reason : { code: codeOf(code), message: messageOf(error) };
  const bounded = { code: said.code.slice(0, 64), message: trimMiddle(redactText(said.message), 8_000) };
  if (code === 'draining') return { kind: 'release', cause: 'draining', reason: bounded };
  if (retry === 'never' && !HOSTS_OWN.has(String(code)))
    return { kind: 'result', result: { status: 'blocked', reason: bounded } };
  return { kind: 'release', cause: 'fault', reason: bounded };
}

/** Said with "never", yet perhaps only true of this host or this moment: git failed in words that nobody knows. */
const HOSTS_OWN = new Set(['GIT_FAILED', 'GIT_MISSING', 'GIT_TOO_OLD']);

function isReason(value: unknown): value is Reason {
  const { code, message } = (value ?? {}) as Partial<Reason>;
  return typeof code === 'string' && typeof message === 'string';
}

/** Some libraries shout their codes (`REF_NOT_FOUND`); reasons have one spelling. */
function codeOf(code: unknown): string {
  if (typeof code !== 'string' || !/^[\w.-]{1,64}$/.test(code)) return 'worker-error';
  return code.toLowerCase().replaceAll('_', '-');
}

function messageOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error)) || 'an unknown error';
}
