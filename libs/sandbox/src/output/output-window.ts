import { plainText } from './plain-text.ts';
import { nextCharacter, omissionNote, trimMiddle, wholeCharacters } from './trimming.ts';

const HEAD_BYTES = 20 * 1024;
const TAIL_BYTES = 43 * 1024;
export const OUTPUT_TEXT_BYTES = 64 * 1024;

/** The beginning and the end of an output of any length, in 63 KB. */
export class OutputWindow {
  private readonly head = Buffer.alloc(HEAD_BYTES);
  /** A ring: the byte at `total % TAIL_BYTES` is the oldest. */
  private readonly tail = Buffer.alloc(TAIL_BYTES);
  private headBytes = 0;
  private tailTotal = 0;

  get bytes(): number {
    return this.headBytes + this.tailTotal;
  }

  append(chunk: Buffer): void {
    const toHead = Math.min(chunk.length, HEAD_BYTES - this.headBytes);
    if (toHead > 0) {
      chunk.copy(this.head, this.headBytes, 0, toHead);
      this.headBytes += toHead;
    }
    this.appendToTail(chunk.subarray(toHead));
  }

  /** For people: see plainText. At most 64 KB of UTF-8, although each bad byte becomes a character of three. */
  text(): string {
    const head = this.head.subarray(0, this.headBytes);
    const tail = this.unrolledTail();
    const missing = this.tailTotal - tail.length;
    if (missing === 0) return trimMiddle(plainText(Buffer.concat([head, tail])), OUTPUT_TEXT_BYTES);
    const headEnd = wholeCharacters(head, head.length - partialCharacter(head));
    const tailStart = nextCharacter(tail, 0);
    const gap = omissionNote(missing + head.length - headEnd + tailStart);
    const room = OUTPUT_TEXT_BYTES - Buffer.byteLength(gap);
    const headText = trimMiddle(plainText(head.subarray(0, headEnd)), Math.floor(room / 3));
    const tailText = trimMiddle(plainText(tail.subarray(tailStart)), room - Buffer.byteLength(headText));
    return `${headText}${gap}${tailText}`;
  }

  private appendToTail(chunk: Buffer): void {
    const kept = chunk.subarray(Math.max(0, chunk.length - TAIL_BYTES));
    const at = (this.tailTotal + chunk.length - kept.length) % TAIL_BYTES;
    const beforeWrap = Math.min(kept.length, TAIL_BYTES - at);
    kept.copy(this.tail, at, 0, beforeWrap);
    kept.copy(this.tail, 0, beforeWrap);
    this.tailTotal += chunk.length;
  }

  private unrolledTail(): Buffer {
    if (this.tailTotal <= TAIL_BYTES) return this.tail.subarray(0, this.tailTotal);
    const oldest = this.tailTotal % TAIL_BYTES;
    return Buffer.concat([this.tail.subarray(oldest), this.tail.subarray(0, oldest)]);
  }
}

/** Bytes at the end that begin a character and do not finish it. */
function partialCharacter(content: Buffer): number {
  for (let back = 1; back <= Math.min(3, content.length); back++) {
    const byte = content[content.length - back] ?? 0;
    if (byte >= 0xc0) {
      const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return back < needs ? back : 0;
    }
    if (byte < 0x80) return 0;
  }
  return 0;
}
