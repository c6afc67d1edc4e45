import { isUtf8 } from 'node:buffer';

/**
 * Names in git are bytes. As text, a byte that is not part of valid UTF-8 becomes the lone surrogate U+DC00 + byte
 * (PEP 383, "surrogateescape"): lossless, and no valid name can look like it. JSON keeps it; UTF-8 encoders do not,
 * so bytes for the file system come from `pathToBytes` only.
 */
export function pathFromBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    text += length > 0 ? bytes.toString('utf8', at, at + length) : String.fromCharCode(0xdc00 + bytes[at]!);
    at += Math.max(length, 1);
  }
  return text;
}

/** The inverse of `pathFromBytes`. */
export function pathToBytes(path: string): Buffer {
  if (path.isWellFormed()) return Buffer.from(path, 'utf8');
  const parts: Buffer[] = [];
  for (const char of path) {
    const code = char.codePointAt(0)!;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(char, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** The name has bytes that are not UTF-8: it cannot go to programs, JSON readers or columns that insist on UTF-8. */
export function isBytePath(path: string): boolean {
  return !path.isWellFormed();
}

/** For people: control characters, terminal escapes, bidirectional overrides and stray bytes are shown as escapes. */
export function printablePath(path: string): string {
  const shown = path.replace(
    // eslint-disable-next-line no-control-regex -- these are what must not reach a terminal
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (char) => {
      const code = char.charCodeAt(0);
      if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
      if (char === '\n') return '\\n';
      if (char === '\t') return '\\t';
      if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
      return `\\u{${code.toString(16)}}`;
    },
  );
  return shown.length > 300 ? `${shown.slice(0, 297)}...` : shown;
}

/** Bytes of the valid UTF-8 character at `at`, or 0. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  return isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
