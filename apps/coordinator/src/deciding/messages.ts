import { createHash } from 'node:crypto';
import type {
  AttemptMessage,
  ClaimMessage,
  DeciderReply,
  LeaseKey,
  ReleaseMessage,
  ResultMessage,
} from '#contracts';
import type { LeaseClaim, PlanInput, PlanReply } from '#domain';

/** What the ledger keeps of a lease's token. */
export function digestToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export function leaseClaim(lease: LeaseKey): LeaseClaim {
  const { ordinal, epoch, worker, token } = lease;
  return { ordinal, epoch, worker, tokenDigest: digestToken(token) };
}

export function claimInput(message: ClaimMessage): PlanInput {
  return { kind: 'claim', lease: leaseClaim(message.lease) };
}

export function attemptInput({ lease, outputs, ...attempt }: AttemptMessage): PlanInput {
  return { kind: 'attempt', lease: leaseClaim(lease), attempt, outputs };
}

export function resultInput({ lease, result }: ResultMessage): PlanInput {
  if (result.status === 'blocked')
    return { kind: 'blocked', lease: leaseClaim(lease), reason: result.reason };
  const { commit, outputs, resolved, candidate } = result;
  return { kind: 'passed', lease: leaseClaim(lease), commit, outputs, resolved, candidate };
}

export function releaseInput({ lease, cause, reason }: ReleaseMessage, jitter: number): PlanInput {
  return { kind: 'release', lease: leaseClaim(lease), cause, reason, jitter };
}

export function deciderReply(reply: PlanReply): DeciderReply {
  return reply.status === 'refused' ? { status: 'refused', reason: reply.reason } : reply;
}
