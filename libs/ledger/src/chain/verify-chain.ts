import type { Head } from '../ledger.ts';
import { EMPTY_HEAD, hashEvent, parseBody } from './event-body.ts';

/** What verification reads of an event: the row as it is, nothing derived. */
export interface VerifiableEvent {
  seq: number;
  body: string;
  prevHash: string;
  hash: string;
}

export type ChainProblem =
  /** The bytes are not those that were hashed. */
  | 'altered'
  /** An event is there that the chain does not know. */
  | 'inserted'
  /** An event of the chain is not there. */
  | 'dropped'
  /** The end of the stream is gone: the anchored head lies beyond it. */
  | 'truncated'
  /** The stream is sound in itself but is not the one that was anchored. */
  | 'replaced';

export type VerifyResult =
  | { ok: true; head: Head }
  | { ok: false; planId: string; seq: number; problem: ChainProblem; message: string };

/**
 * Proves that a plan's events, all of them in seq order, are those that were written: unedited, none inserted,
 * none removed. Without `anchor` (a head kept outside, such as the integration commit's trailer) a shortened or
 * wholly rewritten stream cannot be told from a true one.
 */
export function verifyChain(planId: string, events: Iterable<VerifiableEvent>, anchor?: Head): VerifyResult {
  const chain = new ChainVerifier(planId, anchor);
  for (const event of events) {
    const problem = chain.add(event);
    if (problem) return problem;
  }
  return chain.finish();
}

/** For streams too long for one array: `add` batch by batch, `finish` at the end. */
export class ChainVerifier {
  private head: Head = EMPTY_HEAD;

  constructor(
    private readonly planId: string,
    private readonly anchor?: Head,
  ) {}

  /** null: sound so far. */
  add(event: VerifiableEvent): (VerifyResult & { ok: false }) | null {
    const due = this.head.seq + 1;
    if (event.seq > due) return this.fail(due, 'dropped', `is missing: seq ${event.seq} follows ${due - 1}`);
    if (event.seq < due) return this.fail(event.seq, 'inserted', `is there twice or out of order`);
    if (hashEvent(event.prevHash, event.body) !== event.hash) {
      return this.fail(due, 'altered', 'was altered: its text does not match its hash');
    }
    if (event.prevHash !== this.head.hash) {
      return this.fail(
        due,
        'inserted',
        `does not follow seq ${due - 1}: one of the two was altered or inserted`,
      );
    }
    const said = whatBodySays(event.body);
    if (said?.planId !== this.planId || said.seq !== due) {
      return this.fail(
        due,
        'inserted',
        `was written as ${said ? `plan ${said.planId} seq ${said.seq}` : 'no event'}`,
      );
    }
    this.head = { seq: event.seq, hash: event.hash };
    if (this.anchor?.seq === event.seq && this.anchor.hash !== event.hash) {
      return this.fail(
        due,
        'replaced',
        `has another hash than the anchor: ${event.hash}, not ${this.anchor.hash}`,
      );
    }
    return null;
  }

  finish(): VerifyResult {
    if (this.anchor && this.anchor.seq > this.head.seq) {
      const why = `is missing: the stream ends at seq ${this.head.seq}, the anchor is at seq ${this.anchor.seq}`;
      return this.fail(this.head.seq + 1, 'truncated', why);
    }
    return { ok: true, head: this.head };
  }

  private fail(seq: number, problem: ChainProblem, why: string): VerifyResult & { ok: false } {
    return {
      ok: false,
      planId: this.planId,
      seq,
      problem,
      message: `Plan ${this.planId}, event seq ${seq} ${why}.`,
    };
  }
}

function whatBodySays(body: string): { planId: string; seq: number } | null {
  try {
    const { planId, seq } = parseBody(body);
    return { planId, seq };
  } catch {
    return null;
  }
}
