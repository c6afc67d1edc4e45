import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { show, type TextPath } from './problem.ts';
import {
  duplicateKey,
  FORBIDDEN_KEY,
  forbiddenKey,
  type Place,
  type SyntaxProblem,
  type TextTree,
  tooDeep,
  type TreeReading,
} from './text-tree.ts';

/** How many values the text may stand for once its aliases are written out (the "billion laughs"). */
const VALUES_MAX = 500_000;
const ALIASES_MAX = 10_000;
const CORE_TAG = /^(!|tag:yaml\.org,2002:(str|int|float|bool|null|map|seq))$/;

/** Reads one YAML 1.2 document of the core schema. */
export function readYamlTree(text: string, depthMax: number): TreeReading {
  let document: Document.Parsed;
  try {
    // The parser compares every key with every other of its map: quadratic. We look for duplicates ourselves.
    document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      resolveKnownTags: false,
      stringKeys: true,
      uniqueKeys: false,
      prettyErrors: false,
      // 'silent' would also keep quiet about a second document.
      logLevel: 'error',
    });
  } catch (error) {
    return {
      ok: false,
      problems: [{ message: error instanceof RangeError ? tooDeep(depthMax) : String(error), start: 0 }],
    };
  }
  if (document.errors.length > 0) return { ok: false, problems: wordSyntaxErrors(document.errors, depthMax) };
  return new YamlWalker(document, depthMax).read();
}

class RefusedError extends Error {
  constructor(
    message: string,
    readonly start: number,
  ) {
    super(message);
  }
}

interface Read {
  value: unknown;
  place: Place;
  /** How many values it stands for, aliases written out. */
  size: number;
}

class YamlWalker {
  readonly #problems: TextTree['problems'] = [];
  readonly #anchored = new Map<string, Read | 'open'>();
  #aliases = 0;

  constructor(
    private readonly document: Document.Parsed,
    private readonly depthMax: number,
  ) {}

  read(): TreeReading {
    try {
      const { value, place } = this.#node(this.document.contents, [], 0);
      return { ok: true, tree: { value, place, problems: this.#problems } };
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return { ok: false, problems: [{ message: error.message, start: error.start }] };
    }
  }

  #node(node: Node | null, path: TextPath, parentStart: number): Read {
    const start = node?.range?.[0] ?? parentStart;
    if (path.length > this.depthMax) throw new RefusedError(tooDeep(this.depthMax), start);
    if (isAlias(node)) return this.#alias(node, start);
    if (node?.tag && !CORE_TAG.test(node.tag)) {
      this.#problems.push({
        code: 'syntax',
        message: `the tag ${show(node.tag)} is not one of YAML's core`,
        path,
      });
    }
    const anchor = node?.anchor;
    if (anchor) this.#anchored.set(anchor, 'open');
    const read = this.#plain(node, path, start);
    if (read.size > VALUES_MAX) throw new RefusedError('its aliases make it grow without measure', start);
    if (anchor) this.#anchored.set(anchor, read);
    return read;
  }

  #plain(node: Node | null, path: TextPath, start: number): Read {
    if (isMap(node)) return this.#map(node, path, start);
    if (isSeq(node)) return this.#list(node, path, start);
    return { value: isScalar(node) ? node.value : null, place: { start }, size: 1 };
  }

  #map(map: YAMLMap, path: TextPath, start: number): Read {
    const value: Record<string, unknown> = {};
    const entries: NonNullable<Place['entries']> = new Map();
    let size = 1;
    for (const pair of map.items) {
      const keyNode = pair.key as Node | null;
      const keyStart = keyNode?.range?.[0] ?? start;
      const key = isScalar(keyNode) && typeof keyNode.value === 'string' ? keyNode.value : null;
      if (key === null) throw new RefusedError('a key must be plain text', keyStart);
      const keyPath = [...path, key];
      const read = this.#node(pair.value as Node | null, keyPath, keyStart);
      size += read.size;
      if (key === FORBIDDEN_KEY) this.#problems.push(forbiddenKey(keyPath));
      else if (entries.has(key)) this.#problems.push(duplicateKey(keyPath));
      else value[key] = read.value;
      entries.set(key, { keyStart, place: read.place });
    }
    return { value, place: { start, entries }, size };
  }

  #list(list: YAMLSeq, path: TextPath, start: number): Read {
    let size = 1;
    const reads = list.items.map((item, index) => {
      const read = this.#node(item as Node | null, [...path, index], start);
      size += read.size;
      return read;
    });
    return {
      value: reads.map((read) => read.value),
      place: { start, items: reads.map((read) => read.place) },
      size,
    };
  }

  /** An alias shares the value of its anchor: nothing is copied, but what it stands for is counted. */
  #alias(alias: Alias, start: number): Read {
    if (++this.#aliases > ALIASES_MAX) throw new RefusedError(`more than ${ALIASES_MAX} aliases`, start);
    const read = this.#anchored.get(alias.source);
    if (read === undefined)
      throw new RefusedError(`the alias ${show(`*${alias.source}`)} has no anchor before it`, start);
    if (read === 'open')
      throw new RefusedError(`the alias ${show(`*${alias.source}`)} contains itself`, start);
    return { ...read, place: { ...read.place, start } };
  }
}

type SyntaxError = Document.Parsed['errors'][number];

function wordSyntaxErrors(errors: readonly SyntaxError[], depthMax: number): SyntaxProblem[] {
  const exhausted = errors.find((error) => error.code === 'RESOURCE_EXHAUSTION');
  // What the parser says after it gave up is about its own state, not about the text.
  if (exhausted) return [{ message: tooDeep(depthMax), start: exhausted.pos[0] }];
  // Having lost its way once, it also stumbles over everything that follows.
  return errors.filter((error, index) => index === 0 || error.code !== 'UNEXPECTED_TOKEN').map(wordSyntax);
}

function wordSyntax(error: SyntaxError): SyntaxProblem {
  const message = show(error.message).slice(1, -1).replaceAll('\\"', '"');
  const hint = SYNTAX_HINTS[error.code];
  return { message, start: error.pos[0], ...(hint ? { hint } : {}) };
}

const SYNTAX_HINTS: Record<string, string> = {
  MULTIPLE_DOCS: 'one file holds one plan: remove everything from the second `---` on',
  TAB_AS_INDENT: 'YAML is indented with spaces only',
  BLOCK_AS_IMPLICIT_KEY: 'text that holds `: ` needs quotes',
  BAD_SCALAR_START: 'text that begins with a special character needs quotes',
};
