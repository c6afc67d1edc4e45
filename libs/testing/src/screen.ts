/** How a cell looks; keys that are absent are the terminal's own. */
export interface CellStyle {
  bold?: true;
  dim?: true;
  /** A colour of the basic sixteen by its SGR number (31 is red). */
  colour?: number;
}

export interface Cell {
  text: string;
  style: CellStyle;
}

export interface ScreenOptions {
  columns: number;
  rows: number;
  /** Columns that one character takes. Default: one. */
  widthOf?: (character: string) => number;
}

/**
 * As much of a terminal as Skein's own output needs: what was written, as a person sees it. Anything else than the
 * sequences that it knows is an error, so that nothing unusual is sent unnoticed.
 */
export class TerminalScreen {
  readonly columns: number;
  readonly rows: number;
  isCursorShown = true;
  /** Lines that went out at the top, oldest first. */
  readonly scrollback: Cell[][] = [];
  private readonly lines: Cell[][] = [[]];
  private row = 0;
  private column = 0;
  private style: CellStyle = {};
  private rest = '';
  private readonly widthOf: (character: string) => number;

  constructor(o: ScreenOptions) {
    this.columns = o.columns;
    this.rows = o.rows;
    this.widthOf = o.widthOf ?? (() => 1);
  }

  /** Text as a program writes it to a terminal that turns \n into \r\n. A sequence may come in pieces. */
  write(text: string): true {
    let left = this.rest + text;
    this.rest = '';
    while (left !== '') {
      if (left.startsWith('\u001b')) {
        const control = CONTROL.exec(left);
        if (!control && BEGINNING.test(left)) {
          this.rest = left;
          return true;
        }
        if (!control) throw new Error(`unknown control sequence in ${JSON.stringify(left.slice(0, 40))}`);
        this.control(control[1] ?? '', control[2]!);
        left = left.slice(control[0].length);
      } else {
        const character = firstCharacter(left);
        this.put(character);
        left = left.slice(character.length);
      }
    }
    return true;
  }

  /** What is on the screen, without colours and trailing blanks. */
  text(): string[] {
    return this.lines.map(textOf);
  }

  /** That, below everything that went out at the top. */
  everything(): string[] {
    return [...this.scrollback, ...this.lines].map(textOf);
  }

  cells(): Cell[][] {
    return this.lines.map((line) => line.map((cell) => ({ ...cell })));
  }

  private put(character: string): void {
    if (character === '\n' || character === '\r\n') return this.lineFeed();
    if (character === '\r') {
      this.column = 0;
      return;
    }
    if (character.codePointAt(0)! < 0x20)
      throw new Error(`unknown control character ${JSON.stringify(character)}`);
    const width = this.widthOf(character);
    if (this.column + width > this.columns) this.lineFeed();
    const line = this.lines[this.row]!;
    while (line.length < this.column) line.push({ text: ' ', style: {} });
    line[this.column] = { text: character, style: this.style };
    for (let i = 1; i < width; i++) line[this.column + i] = { text: '', style: this.style };
    this.column += width;
  }

  private lineFeed(): void {
    this.column = 0;
    this.row += 1;
    if (this.row === this.lines.length) this.lines.push([]);
    if (this.row < this.rows) return;
    this.scrollback.push(this.lines.shift()!);
    this.row -= 1;
  }

  private control(parameters: string, command: string): void {
    const count = Math.max(1, Number(parameters) || 1);
    switch (command) {
      case 'A':
        this.row = Math.max(0, this.row - count);
        return;
      case 'J':
        if (parameters !== '' && parameters !== '0') throw new Error(`unknown erasure ${parameters}J`);
        this.lines[this.row]!.length = Math.min(this.lines[this.row]!.length, this.column);
        this.lines.length = this.row + 1;
        return;
      case 'm':
        for (const parameter of parameters.split(';')) this.paint(Number(parameter));
        return;
      case 'h':
      case 'l':
        if (parameters === '?25') this.isCursorShown = command === 'h';
        else if (parameters !== '?2026') throw new Error(`unknown mode ${parameters}`);
        return;
      default:
        throw new Error(`unknown control sequence ${parameters}${command}`);
    }
  }

  private paint(parameter: number): void {
    const { bold, dim, colour } = this.style;
    if (parameter === 0) this.style = {};
    else if (parameter === 1) this.style = { ...this.style, bold: true };
    else if (parameter === 2) this.style = { ...this.style, dim: true };
    else if (parameter === 22) this.style = colour === undefined ? {} : { colour };
    else if (parameter === 39) this.style = { ...(bold && { bold }), ...(dim && { dim }) };
    else if ((parameter >= 30 && parameter <= 37) || (parameter >= 90 && parameter <= 97)) {
      this.style = { ...this.style, colour: parameter };
    } else throw new Error(`unknown style ${parameter}`);
  }
}

// eslint-disable-next-line no-control-regex -- terminals are controlled with them
const BEGINNING = /^\u001b(\[[?\d;]*)?$/;
// eslint-disable-next-line no-control-regex -- as above
const CONTROL = /^\u001b\[([?\d;]*)([A-Za-z])/;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Graphemes are looked for in the next few characters only: segmenting the whole text again and again is quadratic. */
function firstCharacter(text: string): string {
  for (const { segment } of graphemes.segment(text.slice(0, 32))) return segment;
  return text;
}

function textOf(line: Cell[]): string {
  return line
    .map(({ text }) => text)
    .join('')
    .trimEnd();
}
