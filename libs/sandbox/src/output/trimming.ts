/**
 * Keeps the beginning and the end of a text so that it takes at most `maxBytes` of UTF-8, and says how much is missing.
 * The end gets two thirds: that is where compilers and test runners sum up. Never cuts a character.
 */
export function trimMiddle(text: string, maxBytes: number): string {
  const content = Buffer.from(text, 'utf8');
  if (content.length <= maxBytes) return text;
  // The note is as long as its largest number makes it, so the sum cannot grow past the limit.
  const room = maxBytes - Buffer.byteLength(omissionNote(content.length));
  if (room <= 0) return content.subarray(0, wholeCharacters(content, maxBytes)).toString('utf8');
  const headEnd = wholeCharacters(content, Math.floor(room / 3));
  const tailStart = nextCharacter(content, content.length - (room - headEnd));
  const head = content.subarray(0, headEnd).toString('utf8');
  const tail = content.subarray(tailStart).toString('utf8');
  return `${head}${omissionNote(tailStart - headEnd)}${tail}`;
}

export function omissionNote(bytes: number): string {
  return `\n[... ${bytes} bytes left out ...]\n`;
}

/** The largest cut at or before `end` that splits no character. */
export function wholeCharacters(content: Buffer, end: number): number {
  let cut = Math.min(end, content.length);
  while (cut > 0 && cut > end - 4 && isContinuation(content[cut])) cut--;
  return cut;
}

/** The smallest cut at or after `start` that splits no character. */
export function nextCharacter(content: Buffer, start: number): number {
  let cut = Math.max(0, start);
  while (cut < content.length && cut < start + 4 && isContinuation(content[cut])) cut++;
  return cut;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
