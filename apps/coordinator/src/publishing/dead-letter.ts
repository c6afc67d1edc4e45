import { definitionOf, formatOrdinal, stepOf, type PlanState } from '#domain';
import type { Ledger } from '#ledger';

/** A step of a huge plan may have a long past: what lies further back is in the ledger. */
const EVENTS_READ_MAX = 2_000;
const HISTORY_MAX = 100;
/** Larger definitions (a long script) are left out: the plan's text has them, and a message takes 1 MB. */
const DEFINITION_CHARS_MAX = 200_000;
const OUTPUT_CHARS_MAX = 64_000;
/** Of one event: long texts are those of feedback, and the last one is told as output. */
const EVENT_CHARS_MAX = 4_000;

export interface HistoryEntry {
  seq: number;
  at: string;
  type: string;
  /** Null when it is too long for a copy. */
  data: object | null;
}

/**
 * The copy of a dead letter for people and tools that watch the stream: what the step is, what happened to it, what it
 * said last, and why it is dead. Taken from the state as it is now; only the history is still to be read.
 */
export function deadLetter(plan: PlanState, ordinal: number) {
  const { instance, epoch, reason, attemptsUsed, leasesLost, previous } = stepOf(plan, ordinal);
  const definition = instance.definition === null ? null : definitionOf(plan).steps[instance.definition]!;
  return {
    planId: plan.planId,
    planName: definitionOf(plan).name,
    step: formatOrdinal(ordinal),
    instance,
    /** What the plan's text says of it; null for a step of the system's own, and when it is too long for a copy. */
    definition: JSON.stringify(definition).length > DEFINITION_CHARS_MAX ? null : definition,
    epoch,
    reason,
    attemptsUsed,
    leasesLost,
    /** Of the last recorded attempt, its end; null when none was rejected. */
    lastOutput: previous?.feedback.slice(-OUTPUT_CHARS_MAX) ?? null,
  };
}

/** What the ledger says of the step among the plan's last events up to `headSeq`, oldest first. */
export async function historyOf(
  ledger: Pick<Ledger, 'read'>,
  planId: string,
  o: { ordinal: number; headSeq: number },
): Promise<HistoryEntry[]> {
  const after = Math.max(0, o.headSeq - EVENTS_READ_MAX);
  const stored = await ledger.read(planId, after, o.headSeq - after);
  return stored
    .filter(({ event }) => 'ordinal' in event.data && event.data.ordinal === o.ordinal)
    .slice(-HISTORY_MAX)
    .map(({ seq, at, event }) => {
      const isLong = JSON.stringify(event.data).length > EVENT_CHARS_MAX;
      return { seq, at, type: event.type, data: isLong ? null : event.data };
    });
}
