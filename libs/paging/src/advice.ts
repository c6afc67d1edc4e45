import type { PageKind } from './page.ts';

/** What to do next, and the command that does it. */
export interface Advice {
  what: string;
  run: string;
}

export interface AdvisedOn {
  planId: string;
  /** `s17`; null: the plan as a whole. */
  ordinal: string | null;
  reasonCode: string;
}

/** Commands name plans by id and steps by ordinal: no text of a plan is ever part of one. */
export function adviceFor(kind: PageKind, on: AdvisedOn): Advice[] {
  const { planId } = on;
  const look = { what: 'see how it stands', run: `skein status ${planId}` };
  switch (kind) {
    case 'step.poisoned':
      return [look, ...forStep(on, 'redrive')];
    case 'step.blocked':
      return [look, ...forStep(on, 'retry')];
    case 'plan.halted':
      return [look, ...forHalted(on)];
    case 'plan.paused':
      return [look, { what: 'let it go on', run: `skein resume ${planId}` }];
    case 'plan.stuck':
      return [
        { what: 'see what its steps wait for', run: `skein explain ${planId}` },
        { what: 'keep what was recorded, for a report of the bug', run: `skein ledger verify ${planId}` },
      ];
    case 'plan.unreadable':
      return [{ what: 'see whether what was recorded is whole', run: `skein ledger verify ${planId}` }];
    case 'plan.submitted':
    case 'plan.completed':
    case 'plan.cancelled':
    case 'integration.published':
    default:
      return [look];
  }
}

function forStep({ planId, ordinal }: AdvisedOn, again: 'redrive' | 'retry'): Advice[] {
  if (ordinal === null) return [];
  return [
    { what: 'read its log', run: `skein log ${planId} ${ordinal}` },
    { what: 'try it again', run: `skein ${again} ${planId} ${ordinal}` },
    { what: 'go on without it', run: `skein skip ${planId} ${ordinal}` },
  ];
}

function forHalted({ planId, reasonCode }: AdvisedOn): Advice[] {
  if (reasonCode === 'deadline-passed')
    return [{ what: 'go on with what has passed, in a new plan', run: `skein fork ${planId}` }];
  return [
    { what: 'try the steps again that ended badly', run: `skein retry ${planId} <step>` },
    { what: 'go on without them', run: `skein skip ${planId} <step>` },
  ];
}
