import { createRequire } from 'node:module';

/** A parser as jscodeshift wants one, which remembers what it could not read. */
export interface SourceParser {
  /** For `jscodeshift.withParser`. */
  parse(text: string, options?: unknown): unknown;
  /** From now on failures of this text are those of the file, not of a snippet that the transform made up. */
  expect(source: string): void;
  /** Whether this was thrown because the expected text cannot be parsed. */
  isUnparsable(thrown: unknown): boolean;
}

type Parse = (text: string, options?: unknown) => unknown;

const NAMES = ['babel', 'babylon', 'flow', 'ts', 'tsx'];
const require = createRequire(import.meta.url);

/** By jscodeshift's name, or a parser that the transform brings; null when it is neither. */
export function chooseParser(wanted: unknown): SourceParser | null {
  if (typeof wanted === 'string') {
    if (!NAMES.includes(wanted)) return null;
    const getParser = require('jscodeshift/src/getParser') as (name: string) => { parse: Parse };
    return remembering(getParser(wanted));
  }
  const own = (wanted ?? {}) as { parse?: unknown };
  return typeof own.parse === 'function' ? remembering(own as { parse: Parse }) : null;
}

function remembering(parser: { parse: Parse }): SourceParser {
  let expected = '';
  let failures = new WeakSet<object>();
  return {
    expect: (source) => {
      expected = withoutBlanks(source);
      failures = new WeakSet();
    },
    isUnparsable: (thrown) => typeof thrown === 'object' && thrown !== null && failures.has(thrown),
    parse: (text, options) => {
      try {
        return complete(parser.parse(text, options));
      } catch (error) {
        const isFile = typeof error === 'object' && error !== null && withoutBlanks(text) === expected;
        if (isFile) failures.add(error);
        throw error;
      }
    },
  };
}

/** flow-parser returns what it understood, with a list of what it did not: half a tree would make half a file. */
function complete(tree: unknown): unknown {
  const { errors } = (tree ?? {}) as { errors?: unknown };
  const [first] = Array.isArray(errors) ? (errors as FlowError[]) : [];
  if (first === undefined) return tree;
  const { line, column } = first.loc?.start ?? {};
  throw new SyntaxError(`${first.message ?? 'syntax error'} (${line ?? '?'}:${column ?? '?'})`);
}

interface FlowError {
  message?: string;
  loc?: { start?: { line?: number; column?: number } };
}

/** recast turns tabs into blanks and line ends into `\n` before it parses. */
function withoutBlanks(text: string): string {
  return text.replace(/\s+/g, '');
}
