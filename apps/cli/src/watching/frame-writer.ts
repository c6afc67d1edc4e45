import { displayWidth } from '../rendering/width.ts';

/** What a frame is drawn on: a terminal, or a test's screen. */
export interface Screen {
  write(text: string): unknown;
  columns?: number;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const ERASE_BELOW = '\u001b[J';
/** Terminals that know it show a frame at once instead of while it is drawn; the others ignore it. */
const [BEGIN, END] = ['\u001b[?2026h', '\u001b[?2026l'];
// eslint-disable-next-line no-control-regex -- colours are control sequences
const COLOURS = /\u001b\[[\d;]*m/g;

/**
 * Draws one frame over the one before, at the bottom of what the terminal shows; the scrollback stays as it is. The
 * cursor rests behind the frame's last line, hidden.
 */
export class FrameWriter {
  private lines: string[] = [];
  private isHidden = false;
  private readonly onExit = () => this.showCursor();

  constructor(private readonly screen: Screen) {}

  draw(frame: string): void {
    const lines = frame.split('\n');
    if (lines.length === this.lines.length && lines.every((line, i) => line === this.lines[i])) return;
    this.replace(lines, '');
  }

  /** Whole lines that stay, above the frame. */
  print(text: string): void {
    this.replace(this.lines, text === '' || text.endsWith('\n') ? text : `${text}\n`);
  }

  /** The terminal was resized and may have broken the frame's lines anew: draws it again, whatever it is. */
  forget(): void {
    this.replace([], '');
  }

  /** The last frame stays; what is printed next begins below it. */
  done(): void {
    if (this.lines.length > 0) this.screen.write('\n');
    this.lines = [];
    this.showCursor();
  }

  private replace(lines: string[], above: string): void {
    this.hideCursor();
    const up = this.height() - 1;
    const back = this.lines.length === 0 ? '' : `\r${up > 0 ? `\u001b[${up}A` : ''}`;
    this.screen.write(`${BEGIN}${back}${ERASE_BELOW}${above}${lines.join('\n')}${END}`);
    this.lines = lines;
  }

  /** Rows that the frame takes now: a terminal that became narrower has broken its lines. */
  private height(): number {
    const columns = Math.max(1, this.screen.columns ?? 80);
    const rowsOf = (line: string) => Math.ceil(displayWidth(line.replace(COLOURS, '')) / columns);
    return this.lines.reduce((rows, line) => rows + Math.max(1, rowsOf(line)), 0);
  }

  private hideCursor(): void {
    if (this.isHidden) return;
    this.isHidden = true;
    this.screen.write(HIDE_CURSOR);
    // Whatever ends the process: a terminal without a cursor is broken to its user.
    process.once('exit', this.onExit);
  }

  private showCursor(): void {
    if (!this.isHidden) return;
    this.isHidden = false;
    this.screen.write(SHOW_CURSOR);
    process.off('exit', this.onExit);
  }
}
