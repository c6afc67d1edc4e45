import type { PlanEvent } from '#domain';
import type { Ledger } from '#ledger';

/** A step of a huge plan may have a long past: what lies further back is in the ledger. */
const EVENTS_READ_MAX = 2_000;
const HISTORY_MAX = 100;
/** Of one event, in bytes of JSON: long texts are those of feedback, and the last one is told as output. */
const EVENT_BYTES_MAX = 3_000;

export interface HistoryEntry {
  seq: number;
  at: string;
  type: string;
  /** Null when it is too long for a copy. */
  data: object | null;
}

export interface StepPast {
  /** Oldest first. */
  history: HistoryEntry[];
  lastAttempt: {
    attempt: number;
    epoch: number;
    worker: string;
    verdict: 'accepted' | 'rejected';
    logKey: string | null;
    diffKey: string | null;
  } | null;
  lastLease: { epoch: number; worker: string } | null;
}

/** What the ledger says of these steps among the plan's last events up to `headSeq`: one read, however many they are. */
export async function readPast(
  ledger: Pick<Ledger, 'read'>,
  planId: string,
  o: { ordinals: Iterable<number>; headSeq: number },
): Promise<Map<number, StepPast>> {
  const pasts = new Map<number, StepPast>();
  for (const ordinal of o.ordinals) pasts.set(ordinal, { history: [], lastAttempt: null, lastLease: null });
  const after = Math.max(0, o.headSeq - EVENTS_READ_MAX);
  for (const { seq, at, event } of await ledger.read(planId, after, o.headSeq - after)) {
    const past = 'ordinal' in event.data ? pasts.get(event.data.ordinal) : undefined;
    if (!past) continue;
    const isLong = Buffer.byteLength(JSON.stringify(event.data)) > EVENT_BYTES_MAX;
    past.history.push({ seq, at, type: event.type, data: isLong ? null : event.data });
    if (past.history.length > HISTORY_MAX) past.history.shift();
    note(past, event);
  }
  return pasts;
}

function note(past: StepPast, event: PlanEvent): void {
  if (event.type === 'lease.granted') {
    const { epoch, worker } = event.data;
    past.lastLease = { epoch, worker };
  } else if (event.type === 'attempt.finished') {
    const { attempt, epoch, worker, verdict, logKey, diffKey } = event.data;
    past.lastAttempt = { attempt, epoch, worker, verdict, logKey, diffKey };
    past.lastLease = { epoch, worker };
  }
}
