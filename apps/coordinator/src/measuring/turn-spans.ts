import type { Append } from '#ledger';
import { names, recordPast } from '#telemetry';

/** A turn that was decided and committed. Instants are those of `performance.now()`. */
export interface FinishedTurn {
  term: number;
  startedAt: number;
  endedAt: number;
  inputs: number;
  commit: { appends: readonly Append[]; startedAt: number; endedAt: number };
}

/** Whoever waits for a turn of this length notices. */
const SLOW_MS = 250;
/** Of the others one in this time: a busy decider turns a thousand times a second. */
const EVERY_MS = 1_000;
const LINKS_MAX = 32;

/**
 * Traces of the decision loop: every slow turn, and a sample of the rest. A turn decides for many plans at once, so it is
 * part of nobody's trace; it is linked to the traces of the messages that it decided on.
 */
export class TurnSpans {
  private recordedAt = -Infinity;

  /** What is not sampled costs two comparisons. */
  record(turn: FinishedTurn): void {
    const tookMs = turn.endedAt - turn.startedAt;
    if (tookMs < SLOW_MS && turn.endedAt - this.recordedAt < EVERY_MS) return;
    this.recordedAt = turn.endedAt;
    const { attributes, spans } = names;
    const { appends, ...append } = turn.commit;
    const events = appends.reduce((sum, one) => sum + one.events.length, 0);
    recordPast({
      name: spans.decide,
      startedAt: turn.startedAt,
      endedAt: turn.endedAt,
      attributes: {
        [attributes.term]: turn.term,
        [attributes.inputCount]: turn.inputs,
        [attributes.planCount]: appends.length,
        [attributes.eventCount]: events,
      },
      links: tracesOf(appends),
      children: [{ name: spans.ledgerAppend, ...append, attributes: { [attributes.eventCount]: events } }],
    });
  }
}

function tracesOf(appends: readonly Append[]): string[] {
  const traces = new Set<string>();
  for (const { traceparents } of appends) {
    for (const traceparent of traceparents ?? []) {
      if (traceparent !== null) traces.add(traceparent);
      if (traces.size >= LINKS_MAX) return [...traces];
    }
  }
  return [...traces];
}
