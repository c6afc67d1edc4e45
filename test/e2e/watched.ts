import { spawn, type ChildProcess } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { eventually, TerminalScreen } from '#testing';
import { SKEIN } from './stack.ts';

const PATHS = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', LANG: 'C.UTF-8' };

/** CJK and emoji take two columns. */
function widthOf(character: string): number {
  return /[\u2e80-\u9fff\uac00-\ud7a3]|\p{Emoji_Presentation}/u.test(character) ? 2 : 1;
}

/** A `skein` command that runs; what it prints is kept. */
export class Running {
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;
  private static readonly all = new Set<Running>();

  static endAll(): void {
    for (const { child } of this.all) child.kill('SIGKILL');
    this.all.clear();
  }

  protected constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    Running.all.add(this);
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code));
    });
  }

  /** Without a terminal, as in a pipe. */
  static piped(url: string, args: string[], env: Record<string, string> = {}): Running {
    const child = spawn(SKEIN, args, {
      env: { ...PATHS, SKEIN_URL: url, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Running(child);
  }

  async prints(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    return eventually(() => pattern.exec(this.stdout) ?? pattern.exec(this.stderr), {
      timeoutMs,
      what: `${pattern} in:\n${this.stdout}\n${this.stderr}`,
    });
  }

  get lines(): string[] {
    return this.stdout.trimEnd().split('\n');
  }
}

/** The same on a terminal of its own, with a screen that shows what a person sees. */
export class OnTerminal extends Running {
  readonly screen: TerminalScreen;

  private constructor(child: ChildProcess, size: { columns: number; rows: number }) {
    super(child);
    this.screen = new TerminalScreen({ ...size, widthOf });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.screen.write(text));
  }

  /** util-linux' `script` gives it the terminal; what is written to its input is typed there. */
  static start(
    url: string,
    args: string[],
    o: { columns?: number; rows?: number; env?: Record<string, string> } = {},
  ): OnTerminal {
    const size = { columns: o.columns ?? 100, rows: o.rows ?? 24 };
    const words = [SKEIN, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const command = `stty cols ${size.columns} rows ${size.rows}; exec ${words}`;
    const env = { ...PATHS, TERM: 'xterm-256color', SKEIN_URL: url, ...o.env };
    return new OnTerminal(spawn('script', ['-qec', command, '/dev/null'], { env }), size);
  }

  async shows(pattern: RegExp, timeoutMs = 60_000): Promise<string> {
    return eventually(() => this.screen.text().find((line) => pattern.test(line)), {
      timeoutMs,
      what: `${pattern} on:\n${this.screen.text().join('\n')}`,
    });
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** As a person who drags its window does. */
  async resize(columns: number, rows: number): Promise<void> {
    const tty = await this.tty();
    const stty = spawn('stty', ['-F', tty, 'cols', String(columns), 'rows', String(rows)]);
    await new Promise((resolve) => stty.once('close', resolve));
  }

  /** That of the child of `script`. */
  private async tty(): Promise<string> {
    for (const name of (await readdir('/proc')).filter((one) => /^\d+$/.test(one))) {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      const parent = stat.slice(stat.lastIndexOf(') ') + 2).split(' ')[1];
      if (parent === String(this.child.pid)) return readlink(`/proc/${name}/fd/1`);
    }
    throw new Error('the command has ended');
  }
}
