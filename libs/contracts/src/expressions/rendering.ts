import { ExpressionError, type ExpressionScope, type JsonValue } from '#domain';
import { glob } from '../plan/rules.ts';
import { show } from '../plan/problem.ts';
import { evaluateIn } from './cel-expressions.ts';
import { mayHoldExpressions, splitText, type TextPart, wholeExpression } from './embedded.ts';
import { MARK, type ShellPosition, shellPositions } from './shell-position.ts';

/**
 * Plan text with its expressions replaced by their values, when a job is made. Pure; every failure is an ExpressionError
 * whose message says which expression. A text without expressions comes back as it is.
 */

/** Linux takes no longer string in the environment or as an argument (MAX_ARG_STRLEN): name, `=` and NUL included. */
const STRING_BYTES_MAX = 131_072;
/** All values of a job: Linux takes a quarter of the stack, usually 2 MB, for arguments and environment together. */
const VALUES_BYTES_MAX = 1_048_576;
/** Of one text. */
export const EXPRESSIONS_MAX = 100;

/** A prompt or an argument: values as they are, lists and maps as JSON. */
export function renderText(text: string, scope: ExpressionScope): string {
  if (!mayHoldExpressions(text)) return text;
  return partsOf(text)
    .map((part) => ('text' in part ? part.text : textOfValue(evaluateIn(part.source, scope), part.source)))
    .join('');
}

/** Values of environment variables. */
export function renderEnv(env: Record<string, string>, scope: ExpressionScope): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, text]) => {
      const rendered = renderText(text, scope);
      if (rendered !== text) checkString(name, rendered);
      return [name, rendered];
    }),
  );
}

/** Arguments of a script. No shell reads them. */
export function renderArgs(args: readonly string[], scope: ExpressionScope): string[] {
  return args.map((text) => {
    const rendered = renderText(text, scope);
    if (rendered !== text) checkString('', rendered);
    return rendered;
  });
}

export interface RenderedCommands {
  commands: string[];
  /** `SKEIN_VALUE_1` to its text: for the environment of the programs. Holds what was given, too. */
  values: Record<string, string>;
}

/**
 * Shell commands. A value never becomes text of the command: the command refers to a variable `SKEIN_VALUE_<n>`, so that
 * nothing in a value is ever read as shell. Give the `values` of the one call to the next, for one job.
 */
export function renderCommands(
  commands: readonly string[],
  scope: ExpressionScope,
  values: Readonly<Record<string, string>> = {},
): RenderedCommands {
  const all: Record<string, string> = { ...values };
  let bytes = Object.values(all).reduce((total, text) => total + Buffer.byteLength(text), 0);
  const reference = (source: string, position: ShellPosition): string => {
    if (!position.ok) throw new ExpressionError(`${show(source)}: ${position.why}; ${position.hint}`);
    const text = textOfValue(evaluateIn(source, scope), source);
    const name = `SKEIN_VALUE_${Object.keys(all).length + 1}`;
    checkString(name, text, source);
    bytes += Buffer.byteLength(text);
    if (bytes > VALUES_BYTES_MAX)
      throw new ExpressionError('the values in the commands of this step are larger than 1 MB');
    all[name] = text;
    return position.quoting === 'bare' ? `"\${${name}}"` : `\${${name}}`;
  };
  return { commands: commands.map((command) => renderCommand(command, reference)), values: all };
}

function renderCommand(
  command: string,
  reference: (source: string, position: ShellPosition) => string,
): string {
  if (!mayHoldExpressions(command)) return command;
  const parts = partsOf(command);
  const positions = shellPositions(parts.map((part) => ('text' in part ? part.text : MARK)).join(''));
  let next = 0;
  return parts
    .map((part) => ('text' in part ? part.text : reference(part.source, positions[next++]!)))
    .join('');
}

/** What keeps a command's expressions from being rendered, whatever their values are. */
export function commandPositions(command: string): { source: string; position: ShellPosition }[] {
  const split = mayHoldExpressions(command) ? splitText(command) : null;
  if (!split?.ok) return [];
  const positions = shellPositions(split.parts.map((part) => ('text' in part ? part.text : MARK)).join(''));
  const sources = split.parts.flatMap((part) => ('source' in part ? [part.source] : []));
  return sources.map((source, index) => ({ source, position: positions[index]! }));
}

/**
 * Globs of files. Values name files: their glob characters lose their meaning. A glob that is one expression as a whole
 * may give a list of texts: several globs.
 */
export function renderGlobs(globs: readonly string[], scope: ExpressionScope): string[] {
  return globs.flatMap((text) => {
    if (!mayHoldExpressions(text)) return [text];
    const whole = wholeExpression(text);
    const values =
      whole === null ? [globOfParts(text, scope)] : globsOfValue(evaluateIn(whole, scope), whole);
    for (const value of values) checkGlob(value, text);
    return values;
  });
}

function globOfParts(text: string, scope: ExpressionScope): string {
  return partsOf(text)
    .map((part) =>
      'text' in part ? part.text : escapeGlob(textOfValue(evaluateIn(part.source, scope), part.source)),
    )
    .join('');
}

function globsOfValue(value: JsonValue, source: string): string[] {
  return (Array.isArray(value) ? value : [value]).map((one) => {
    if (typeof one !== 'string')
      throw new ExpressionError(`${show(source)}: expected the name of a file or a list of names`);
    return escapeGlob(one);
  });
}

/** As picomatch reads it, every character stands for itself. It takes two escaped backslashes for one: hence a group. */
export function escapeGlob(value: string): string {
  return value.replace(/[\\*?[\]{}()!+@|^$,"]/g, (special) => (special === '\\' ? '(\\\\)' : `\\${special}`));
}

function checkGlob(pattern: string, text: string): void {
  const checked = glob.safeParse(pattern);
  if (!checked.success) {
    throw new ExpressionError(
      `${show(text)} gives ${show(pattern)}: ${checked.error.issues[0]?.message ?? 'no glob'}`,
    );
  }
}

/** The text that a value stands for within text. Throws for what no program can be given. */
export function textOfValue(value: JsonValue, source: string): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.includes('\0'))
    throw new ExpressionError(
      `${show(source)} gives a text with a NUL character, which no program can be given`,
    );
  if (!text.isWellFormed())
    throw new ExpressionError(`${show(source)} gives a text with half of a character`);
  return text;
}

function checkString(name: string, text: string, source?: string): void {
  const bytes = Buffer.byteLength(name) + Buffer.byteLength(text) + 2;
  if (bytes <= STRING_BYTES_MAX) return;
  const what = source === undefined ? (name === '' ? 'an argument' : `the variable ${name}`) : show(source);
  throw new ExpressionError(
    `${what}: ${bytes} bytes are more than a program can be given (${STRING_BYTES_MAX}); write it to a file`,
  );
}

function partsOf(text: string): TextPart[] {
  const split = splitText(text);
  if (!split.ok) throw new ExpressionError(`${show(text)}: ${split.message}`);
  if (split.parts.length > EXPRESSIONS_MAX * 2 + 1)
    throw new ExpressionError(`more than ${EXPRESSIONS_MAX} expressions in one text`);
  return split.parts;
}
