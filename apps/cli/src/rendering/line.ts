import type { Paint, Style } from './terminal.ts';
import { cut, displayWidth } from './width.ts';

/** A piece of a line. The text is already escaped; it has no colours of its own. */
export type Piece = string | readonly [Style, string];

/** One line of at most `columns` columns: colours take none, and what does not fit is cut. */
export function fitLine(pieces: readonly Piece[], columns: number, paint: Paint): string {
  let room = columns;
  let line = '';
  for (const piece of pieces) {
    const [style, text] = typeof piece === 'string' ? [null, piece] : piece;
    const shown = cut(text, room);
    room -= displayWidth(shown);
    if (shown !== '') line += style === null ? shown : paint(style, shown);
    if (shown !== text) break;
  }
  return line.trimEnd();
}

export function widthOf(pieces: readonly Piece[]): number {
  return pieces.reduce(
    (width, piece) => width + displayWidth(typeof piece === 'string' ? piece : piece[1]),
    0,
  );
}
