import { isReadAgain, readsCommands } from './shell-programs.ts';
import { REFUSED } from './shell-refusals.ts';

/**
 * Where in a shell command a reference to a variable stands, so that it can be written to give the value as one piece.
 * This reads what `sh` would, as far as quoting goes. Safety does not rest on it: what is put there is a reference to a
 * variable wherever it stands, so that a mistake here may split a value in words, and never run it.
 */
export type ShellPosition =
  /** As a word of its own or a part of one: `"$NAME"` keeps it whole. */
  { ok: true; quoting: 'bare' | 'double' } | { ok: false; why: string; hint: string };

/** Stands for an expression. No command holds one: programs cannot be given it. */
export const MARK = '\0';

/** The position of every MARK of the command, in its order. Linear in the command. */
export function shellPositions(command: string): ShellPosition[] {
  return new ShellReader(command).positions();
}

/** Frames in which the shell reads differently, the innermost last. */
type Frame =
  /** Commands: the whole text, `$(...)`, `(...)`. */
  | { kind: 'commands'; closedBy: ')' | null; words: Words }
  | { kind: 'double' }
  | { kind: 'here'; end: number };

/** Of the simple command that is being read. */
interface Words {
  done: string[];
  /** null: between words. */
  current: string | null;
  pipeline: Pipeline;
}

/** Commands joined by `|`: what one prints, the next one reads. */
interface Pipeline {
  /** Expressions within, as indexes of what was found. */
  marks: number[];
  /** One of its commands is a shell that reads commands from its input. */
  feedsShell: boolean;
}

interface HereDocument {
  pipeline: Pipeline;
  delimiter: string;
  isQuoted: boolean;
  stripsTabs: boolean;
}

class ShellReader {
  readonly #found: ShellPosition[] = [];
  readonly #frames: Frame[] = [{ kind: 'commands', closedBy: null, words: noWords() }];
  #hereDocuments: HereDocument[] = [];
  /** After `$'` the end of the quotes depends on the shell. */
  #isAmbiguous = false;
  #at = 0;

  constructor(private readonly text: string) {}

  positions(): ShellPosition[] {
    while (this.#at < this.text.length) this.#step();
    for (const frame of this.#frames) if (frame.kind === 'commands') this.#endPipeline(frame.words);
    return this.#found;
  }

  #step(): void {
    const frame = this.#frames.at(-1)!;
    if (frame.kind === 'here' && this.#at >= frame.end) {
      this.#frames.pop();
      return;
    }
    if (frame.kind === 'commands') this.#inCommands(frame);
    else this.#inQuotes(frame);
  }

  #inCommands(frame: Frame & { kind: 'commands' }): void {
    const character = this.text[this.#at]!;
    const { words } = frame;
    switch (character) {
      case MARK:
        this.#mark('bare', words);
        return;
      case '\\':
        this.#escaped(words);
        return;
      case "'":
        this.#singleQuotes(words);
        return;
      case '"':
        words.current ??= '';
        this.#at++;
        this.#frames.push({ kind: 'double' });
        return;
      case '`':
        words.current ??= '';
        this.#backticks();
        return;
      case '$':
        this.#dollar(words);
        return;
      case '#':
        if (words.current === null) this.#skipMarked(this.#endOfLine(), 'comment');
        else this.#plain(words);
        return;
      case '<':
        this.#redirection(words);
        return;
      case '\n':
        this.#endPipeline(words);
        this.#at++;
        this.#startHereDocument();
        return;
      case '(':
        if (this.text[this.#at + 1] === '(') {
          this.#skipMarked(this.#endOfParentheses(this.#at), 'arithmetic');
          return;
        }
        this.#endCommand(words);
        this.#at++;
        this.#frames.push({ kind: 'commands', closedBy: ')', words: noWords() });
        return;
      case ')':
        this.#endPipeline(words);
        this.#at++;
        if (frame.closedBy === ')') this.#frames.pop();
        return;
      case ';':
      case '&':
        this.#endPipeline(words);
        this.#at++;
        return;
      case '|':
        if (this.text[this.#at + 1] === '|') this.#endPipeline(words);
        else this.#endCommand(words);
        this.#at += this.text[this.#at + 1] === '|' ? 2 : 1;
        return;
      case ' ':
      case '\t':
      case '>':
        this.#endWord(words);
        this.#at++;
        return;
      default:
        this.#plain(words);
    }
  }

  /** Within double quotes or an unquoted here-document, which differ in what ends them only. */
  #inQuotes(frame: Frame & { kind: 'double' | 'here' }): void {
    const character = this.text[this.#at]!;
    const words = this.#wordsAround();
    if (character === MARK) this.#mark('double', words);
    else if (character === '\\') this.#escaped(words);
    else if (character === '`') this.#backticks();
    else if (character === '$') this.#dollar(words);
    else if (character === '"' && frame.kind === 'double') {
      this.#frames.pop();
      this.#at++;
    } else this.#plain(words);
  }

  #wordsAround(): Words {
    const frame = this.#frames.findLast((one) => one.kind === 'commands')!;
    return frame.words;
  }

  #plain(words: Words): void {
    const isHere = this.#frames.at(-1)!.kind === 'here';
    if (!isHere) words.current = (words.current ?? '') + this.text[this.#at]!;
    this.#at++;
  }

  #mark(quoting: 'bare' | 'double', words: Words): void {
    const isHere = this.#frames.at(-1)!.kind === 'here';
    if (this.#isAmbiguous) this.#refuse('dollarQuote');
    else if (!isHere && isReadAgain(words.done)) this.#refuse('readAgain');
    else {
      for (const frame of this.#frames) {
        if (frame.kind === 'commands') frame.words.pipeline.marks.push(this.#found.length);
      }
      this.#found.push({ ok: true, quoting });
    }
    if (!isHere) words.current = (words.current ?? '') + '?';
    this.#at++;
  }

  #refuse(reason: keyof typeof REFUSED): void {
    this.#found.push({ ok: false, ...REFUSED[reason] });
  }

  /** Skips to `end`, refusing every expression on the way. */
  #skipMarked(end: number, reason: keyof typeof REFUSED): void {
    for (
      let at = this.text.indexOf(MARK, this.#at);
      at !== -1 && at < end;
      at = this.text.indexOf(MARK, at + 1)
    ) {
      this.#refuse(reason);
    }
    this.#at = end;
  }

  #escaped(words: Words): void {
    if (this.text[this.#at + 1] === MARK) this.#refuse('escaped');
    // A backslash at the end of a line joins it with the next one and is no part of a word.
    else if (this.text[this.#at + 1] !== '\n')
      words.current = (words.current ?? '') + (this.text[this.#at + 1] ?? '');
    this.#at += 2;
  }

  #singleQuotes(words: Words): void {
    const end = this.#indexOrEnd("'", this.#at + 1);
    words.current = (words.current ?? '') + this.text.slice(this.#at + 1, end);
    this.#skipMarked(end + 1, 'single');
  }

  #backticks(): void {
    let end = this.#at + 1;
    while (end < this.text.length && this.text[end] !== '`') end += this.text[end] === '\\' ? 2 : 1;
    this.#skipMarked(Math.min(end + 1, this.text.length), 'backtick');
  }

  #dollar(words: Words): void {
    const next = this.text[this.#at + 1];
    const isQuoted = this.#frames.at(-1)!.kind !== 'commands';
    if (next === '(' && this.text[this.#at + 2] === '(') {
      this.#skipMarked(this.#endOfParentheses(this.#at + 1), 'arithmetic');
    } else if (next === '[') {
      this.#skipMarked(this.#indexOrEnd(']', this.#at), 'arithmetic');
    } else if (next === '(') {
      words.current ??= '';
      this.#at += 2;
      this.#frames.push({ kind: 'commands', closedBy: ')', words: noWords() });
    } else if (next === '{') {
      words.current ??= '';
      this.#skipMarked(this.#endOfBraces(), 'braces');
    } else {
      if (next === "'" && !isQuoted) this.#isAmbiguous = true;
      this.#plain(words);
    }
  }

  #endOfParentheses(from: number): number {
    let open = 0;
    for (let at = from; at < this.text.length; at++) {
      if (this.text[at] === '(') open++;
      else if (this.text[at] === ')' && --open === 0) return at + 1;
    }
    return this.text.length;
  }

  #endOfBraces(): number {
    let open = 0;
    for (let at = this.#at + 1; at < this.text.length; at++) {
      const character = this.text[at];
      if (character === '\\') at++;
      else if (character === '"') at = this.#indexOrEnd('"', at + 1);
      else if (character === '{') open++;
      else if (character === '}' && --open === 0) return at + 1;
    }
    return this.text.length;
  }

  #redirection(words: Words): void {
    if (!this.text.startsWith('<<', this.#at)) {
      this.#endWord(words);
      this.#at++;
      return;
    }
    if (this.text.startsWith('<<<', this.#at)) {
      this.#endWord(words);
      this.#at += 3;
      return;
    }
    this.#endWord(words);
    this.#hereMark(words.pipeline);
  }

  /** `<<EOF`, `<<-'EOF'`: the body begins on the next line. */
  #hereMark(pipeline: Pipeline): void {
    this.#at += 2;
    const stripsTabs = this.text[this.#at] === '-';
    if (stripsTabs) this.#at++;
    while (this.text[this.#at] === ' ' || this.text[this.#at] === '\t') this.#at++;
    const start = this.#at;
    let delimiter = '';
    let isQuoted = false;
    for (; this.#at < this.text.length && !/[\s;&|()<>]/.test(this.text[this.#at]!); this.#at++) {
      const character = this.text[this.#at]!;
      if (character === "'" || character === '"') {
        isQuoted = true;
        const end = this.#indexOrEnd(character, this.#at + 1);
        delimiter += this.text.slice(this.#at + 1, end);
        this.#at = end;
      } else if (character === '\\') {
        isQuoted = true;
        delimiter += this.text[++this.#at] ?? '';
      } else delimiter += character;
    }
    const marks = this.text.slice(start, this.#at).split(MARK).length - 1;
    for (let count = 0; count < marks; count++) this.#refuse('hereDelimiter');
    this.#hereDocuments.push({ pipeline, delimiter, isQuoted, stripsTabs });
  }

  #startHereDocument(): void {
    const next = this.#hereDocuments.shift();
    if (!next) return;
    const end = this.#endOfHereDocument(next);
    if (next.isQuoted) this.#skipMarked(end, 'hereQuoted');
    else if (next.pipeline.feedsShell) this.#skipMarked(end, 'readAgain');
    else this.#frames.push({ kind: 'here', end });
  }

  #endOfHereDocument({ delimiter, stripsTabs }: HereDocument): number {
    for (let from = this.#at; from < this.text.length;) {
      const end = this.#indexOrEnd('\n', from);
      const line = this.text.slice(from, end);
      if ((stripsTabs ? line.replace(/^\t+/, '') : line) === delimiter) return from;
      from = end + 1;
    }
    return this.text.length;
  }

  #endOfLine(): number {
    return this.#indexOrEnd('\n', this.#at);
  }

  #indexOrEnd(wanted: string, from: number): number {
    const at = this.text.indexOf(wanted, from);
    return at === -1 ? this.text.length : at;
  }

  #endWord(words: Words): void {
    if (words.current !== null) words.done.push(words.current);
    words.current = null;
  }

  #endCommand(words: Words): void {
    this.#endWord(words);
    if (readsCommands(words.done)) words.pipeline.feedsShell = true;
    words.done = [];
  }

  #endPipeline(words: Words): void {
    this.#endCommand(words);
    if (words.pipeline.feedsShell) {
      for (const index of words.pipeline.marks) this.#found[index] = { ok: false, ...REFUSED.readAgain };
    }
    words.pipeline = { marks: [], feedsShell: false };
  }
}

function noWords(): Words {
  return { done: [], current: null, pipeline: { marks: [], feedsShell: false } };
}
