import type { Answered } from '../fleet/user.ts';
import type { LedgerOracle } from './ledger-oracle.ts';
import { Violation } from './violation.ts';

/** What people are told is in the ledger. */
export function checkAnswer(
  oracle: LedgerOracle,
  { planId, asked, ordinal, reply, askedMs }: Answered,
): void {
  if (asked === 'limits') return checkLimits(oracle, reply);
  const plan = oracle.plans.get(planId);
  const fail = (message: string): never => {
    throw new Violation(
      'answers-follow-commits',
      `plan ${planId}: ${asked} was answered as ${reply.status}: ${message}`,
      planId,
    );
  };
  if (reply.status === 'refused') {
    // Not for what came in while the question was under way.
    if (reply.code === 'plan-unknown' && plan && plan.beganMs < askedMs) fail('the ledger has the plan');
    return;
  }
  if (!plan) return fail('the ledger does not have the plan');
  if (asked === 'fork' && plan.digest === '') fail('the ledger does not have the fork');
  if (asked === 'submit-other' && plan.digest !== 'another text')
    fail('its key was used before for another text');
  if (asked === 'cancel' && plan.status !== 'cancelled') fail(`the plan is ${plan.status}`);
  if (ordinal === null) return;
  const step = plan.steps[ordinal];
  if (asked === 'skip' && step?.status !== 'skipped') fail(`s${ordinal} is ${step?.status}`);
}

function checkLimits({ fleetSeq }: LedgerOracle, reply: Answered['reply']): void {
  if ('seq' in reply && reply.seq > fleetSeq)
    throw new Violation(
      'answers-follow-commits',
      `limits were answered as set by event ${reply.seq} of the fleet, the ledger has ${fleetSeq}`,
    );
}
