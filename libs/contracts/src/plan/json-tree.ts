import {
  duplicateKey,
  FORBIDDEN_KEY,
  forbiddenKey,
  type Place,
  type TextTree,
  tooDeep,
  type TreeReading,
} from './text-tree.ts';

/**
 * Reads strict JSON some twenty times faster than the YAML parser does, which would block a coordinator for seconds
 * on a plan of 100,000 steps. Null when the text is not strict JSON: then it may still be YAML.
 */
export function readJsonTree(text: string, depthMax: number): TreeReading | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return new JsonScanner(text, depthMax).read(value);
}

const AFTER_SCALAR = /[\s,\]}]|$/g;
const QUOTE_OR_ESCAPE = /["\\]/g;

class TooDeepError extends Error {}

/** Walks text that JSON.parse has accepted, so it need not check syntax: it collects places and duplicate keys. */
class JsonScanner {
  #at = 0;
  /** Where the scan is; copied only for problems. */
  readonly #path: (string | number)[] = [];
  readonly #problems: TextTree['problems'] = [];

  constructor(
    private readonly text: string,
    private readonly depthMax: number,
  ) {}

  read(value: unknown): TreeReading {
    try {
      const place = this.#value();
      return { ok: true, tree: { value, place, problems: this.#problems } };
    } catch (error) {
      if (!(error instanceof TooDeepError)) throw error;
      return { ok: false, problems: [{ message: tooDeep(this.depthMax), start: this.#at }] };
    }
  }

  #value(): Place {
    this.#skipSpace();
    if (this.#path.length > this.depthMax) throw new TooDeepError();
    const start = this.#at;
    const first = this.text[start];
    if (first === '{') return { start, entries: this.#entries() };
    if (first === '[') return { start, items: this.#items() };
    if (first === '"') this.#skipString();
    else this.#skipTo(AFTER_SCALAR);
    return { start };
  }

  #entries(): NonNullable<Place['entries']> {
    const entries: NonNullable<Place['entries']> = new Map();
    this.#at++;
    for (this.#skipSpace(); this.text[this.#at] !== '}'; this.#skipComma()) {
      const keyStart = this.#at;
      this.#skipString();
      const key = JSON.parse(this.text.slice(keyStart, this.#at)) as string;
      this.#skipSpace();
      this.#at++; // the colon
      this.#path.push(key);
      if (key === FORBIDDEN_KEY) this.#problems.push(forbiddenKey([...this.#path]));
      if (entries.has(key)) this.#problems.push(duplicateKey([...this.#path]));
      entries.set(key, { keyStart, place: this.#value() });
      this.#path.pop();
    }
    this.#at++;
    return entries;
  }

  #items(): Place[] {
    const items: Place[] = [];
    this.#at++;
    for (this.#skipSpace(); this.text[this.#at] !== ']'; this.#skipComma()) {
      this.#path.push(items.length);
      items.push(this.#value());
      this.#path.pop();
    }
    this.#at++;
    return items;
  }

  #skipString(): void {
    this.#at++;
    for (;;) {
      this.#skipTo(QUOTE_OR_ESCAPE);
      if (this.text[this.#at] === '"') break;
      this.#at += 2;
    }
    this.#at++;
  }

  #skipComma(): void {
    this.#skipSpace();
    if (this.text[this.#at] === ',') this.#at++;
    this.#skipSpace();
  }

  #skipSpace(): void {
    // Space, tab, line feed and carriage return are the only characters up to a space that JSON allows here.
    while (this.text.charCodeAt(this.#at) <= 0x20) this.#at++;
  }

  #skipTo(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    this.#at = pattern.exec(this.text)?.index ?? this.text.length;
  }
}
