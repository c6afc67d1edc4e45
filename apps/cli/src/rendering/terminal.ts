import { styleText } from 'node:util';

export type Style = 'dim' | 'bold' | 'green' | 'red' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

/** Where a command writes. Results go to `out`, everything else to `err`, so that pipes get results only. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Colours when the stream shows them (NO_COLOR and pipes do not). */
  paint: Paint;
  isTty: boolean;
  columns(): number;
  rows(): number;
  stdout: NodeJS.WriteStream;
}

export const plainPaint: Paint = (_style, text) => text;

export function processTerminal(): Terminal {
  const stdout = process.stdout;
  // `skein log ... | head` closes the pipe early; that is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    out: (text) => void stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    err: (text) => void process.stderr.write(text.endsWith('\n') ? text : `${text}\n`),
    paint: (style, text) => styleText(style, text, { stream: stdout }),
    isTty: stdout.isTTY,
    columns: () => stdout.columns ?? 80,
    rows: () => stdout.rows ?? 24,
    stdout,
  };
}
