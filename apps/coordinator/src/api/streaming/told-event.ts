import { formatCursor, type StoredEvent, type TailCursor } from '#ledger';

/** An event as streams tell it. Its text is made once, however many read it, and only when somebody does. */
export class ToldEvent {
  readonly planId: string;
  readonly seq: number;
  readonly type: string;
  readonly cursor: TailCursor;
  /** Of the stored text: what it roughly takes in memory, bytes. */
  readonly size: number;
  /** Of a plan's first event. */
  readonly tenant: string | null;
  /** What it was read as, until it is told for the first time. */
  private told: StoredEvent | string;

  constructor(stored: StoredEvent) {
    this.told = stored;
    this.planId = stored.planId;
    this.seq = stored.seq;
    this.type = stored.event.type;
    this.cursor = { tx: stored.tx, position: stored.position };
    this.size = stored.body.length;
    this.tenant = stored.event.type === 'plan.submitted' ? stored.event.data.tenant : null;
  }

  /** A frame of a plan's stream. */
  get bySeq(): string {
    return `id: ${this.seq}\ndata: ${this.text}\n\n`;
  }

  /** A frame of the stream of all plans. */
  get byCursor(): string {
    return `id: ${formatCursor(this.cursor)}\ndata: ${this.text}\n\n`;
  }

  private get text(): string {
    if (typeof this.told !== 'string') {
      const { planId, seq, at, event, traceparent } = this.told;
      this.told = oneLine({ planId, seq, at, type: event.type, data: event.data, traceparent });
    }
    return this.told;
  }
}

/** After the last event of a plan: a reader that sees it need not come back. */
export function endFrame(planId: string, seq: number): string {
  return `event: end\nid: ${seq}\ndata: ${oneLine({ planId, seq })}\n\n`;
}

/**
 * JSON without line breaks, which would end the field. What a terminal or a reader's eye could be misled by (C1
 * controls, changes of direction) is escaped, too: streams are looked at with curl.
 */
function oneLine(value: object): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
