/**
 * What a program printed, for people and for text columns: valid UTF-8, no terminal escapes, no control characters.
 * A step must not be able to repaint an operator's terminal, nor to hide text by bidirectional overrides.
 */
export function plainText(content: Buffer | string): string {
  const text =
    typeof content === 'string' ? content : new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  return text
    .toWellFormed()
    .replace(OSC, '')
    .replace(CSI, '')
    .replace(OTHER_ESCAPES, '')
    .replace(/\r+\n/g, '\n')
    .replace(/\r/g, '\n')
    .replace(CONTROLS, '')
    .replace(BIDI, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

// A title or link (OSC) and device strings end with BEL or ST. One that does not end on its line, or not for a long
// while, is no such thing but text behind a stray escape: only the escape goes, or a program could hide what it says.
const OSC =
  // eslint-disable-next-line no-control-regex
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])(?:[^\x07\x1b\n\r\x90\x98\x9c-\x9f]{0,2048}(?:\x07|\x1b\\|\x9c))?/g;
// eslint-disable-next-line no-control-regex
const CSI = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?/g;
// eslint-disable-next-line no-control-regex
const OTHER_ESCAPES = /\x1b[ -/]*[0-~]?/g;
// Tab and line feed stay; NUL could not be stored in Postgres.
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;
const BIDI = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
