import type { CommandReply } from '../commands/plan-commands.ts';
import { Problem } from './problem.ts';

/** The decider's word as HTTP: what was refused, or could not be decided, is thrown as a Problem. */
export function decided(reply: CommandReply): { next: 'continue' | 'stop' } {
  if (reply.status === 'unavailable') throw unavailable(reply);
  if (reply.status !== 'decided') throw new Error(`unexpected answer ${reply.status}`);
  const answer = reply.reply;
  if (answer.status === 'applied') return answer;
  if (answer.status === 'lost') throw new Error(`a command was answered as a lost lease: ${answer.reason}`);
  const { code, reason, actualSeq } = answer;
  const retryAfterS = RETRY_AFTER_S[code];
  throw new Problem(STATUS_OF_REFUSAL[code] ?? 409, code, reason, {
    ...(actualSeq !== undefined && { currentSeq: actualSeq }),
    ...(retryAfterS !== undefined && { retryAfterS }),
  });
}

/** Nobody decides now, or not for this. */
export function unavailable({ code, reason }: CommandReply & { status: 'unavailable' }): Problem {
  return new Problem(code === 'decider-busy' ? 429 : 503, code, reason, { retryAfterS: 2 });
}

/** Every other refusal is a conflict (409) with how the plan or the step stands. */
const STATUS_OF_REFUSAL: Record<string, number> = {
  'plan-unknown': 404,
  'step-unknown': 404,
  'idempotency-key-reused': 422,
  'seq-stale': 412,
  'quota-too-small': 422,
  'quota-used-up': 429,
};

/** Refused now, for a reason that passes by itself. */
const RETRY_AFTER_S: Record<string, number> = {
  'plan-closing': 5,
  'quota-used-up': 30,
};
