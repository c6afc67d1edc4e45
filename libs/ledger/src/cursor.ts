import type { TailCursor } from './ledger.ts';

/** Before the first event. */
export const TAIL_START: TailCursor = { tx: '0', position: 0n };

/** Negative: a is before b. */
export function compareCursors(a: TailCursor, b: TailCursor): number {
  const byTx = BigInt(a.tx) - BigInt(b.tx);
  const difference = byTx === 0n ? a.position - b.position : byTx;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** `<tx>-<position>`: for Last-Event-ID and the like. */
export function formatCursor(cursor: TailCursor): string {
  return `${cursor.tx}-${cursor.position}`;
}

/** null when the text is no cursor. */
export function parseCursor(text: string): TailCursor | null {
  const match = /^(\d{1,20})-(\d{1,19})$/.exec(text);
  return match?.[1] && match[2] ? { tx: BigInt(match[1]).toString(), position: BigInt(match[2]) } : null;
}
