import { z } from 'zod';
import { ADDRESS_LENGTH_MAX, addressProblem } from '#domain';
import { mayHoldExpressions, splitText, wholeExpression } from '../expressions/embedded.ts';
import { DURATION, parseDuration } from './duration.ts';
import { escapeCharacter } from './problem.ts';

/** The small rules of plan text: names, paths, globs, branches, commands. Each says in words what it wants. */

export const STEP_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const DAY_MS = 86_400_000;

export const planName = named(
  /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$/,
  'a plan name is 1 to 100 letters, digits, spaces, dots, underscores and dashes, and begins with a letter or digit',
  /[A-Za-z0-9 ._-]/u,
);

export const stepName = named(
  STEP_NAME,
  'a step name is 1 to 64 letters, digits, dots, underscores and dashes, and begins with a letter or digit',
  /[A-Za-z0-9._-]/u,
).refine(
  (name) => !/^s?\d+$/.test(name),
  'a step cannot be named like an ordinal (17, s17): commands could not tell them apart',
);

export const poolName = named(
  /^[a-z0-9][a-z0-9-]{0,31}$/,
  'a pool name is 1 to 32 lower-case letters, digits and dashes',
  /[a-z0-9-]/u,
);

export const outputName = named(
  /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/,
  'an output name is 1 to 64 letters, digits, underscores and dashes, and begins with a letter or underscore',
  /[A-Za-z0-9_-]/u,
);

export const envName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]{0,127}$/,
    'a variable name is letters, digits and underscores, and does not begin with a digit',
  )
  .refine((name) => !/^SKEIN_/i.test(name), 'variables that begin with SKEIN_ are ours');

export const command = text(65_536).refine((line) => line.trim() !== '', 'the command is empty');

export const duration = durationUpTo(7 * DAY_MS, '168h');
/** For waits and deadlines, which cost nothing while they last. */
export const longDuration = durationUpTo(365 * DAY_MS, '8760h');

function durationUpTo(msMax: number, most: string): z.ZodString {
  return z
    .string()
    .regex(DURATION, 'expected a duration such as 500ms, 30s, 10m or 2h')
    .refine((given) => {
      const ms = parseDuration(given);
      return ms === null || (ms >= 100 && ms <= msMax);
    }, `a duration is at least 100ms and at most ${most}`);
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** A time of day somewhere, in ISO 8601; null when it is none. In UTC, with milliseconds. */
export function parseTime(text: string): string | null {
  // Date would take the 30th of February for the 1st or 2nd of March.
  const day = /^(\d{4}-\d{2}-\d{2})T/.exec(text)?.[1];
  if (!day || !TIME.test(text) || Number.isNaN(Date.parse(text))) return null;
  if (new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day) return null;
  return new Date(text).toISOString();
}

/** A duration from some moment on, or a time. */
export const durationOrTime = z.string().superRefine((given, check) => {
  if (parseTime(given) !== null) return;
  const asDuration = longDuration.safeParse(given);
  if (asDuration.success) return;
  const message = DURATION.test(given)
    ? asDuration.error.issues[0]!.message
    : `expected a duration such as 30m or 48h, or a time such as '2026-12-01T08:00:00Z'`;
  check.addIssue({ code: 'custom', message });
});

/** What `wait` takes once it is known, or the expression that will say it. */
export const waitEnd = z.string().superRefine((given, check) => {
  if (wholeExpression(given) !== null) return;
  if (mayHoldExpressions(given)) {
    const message = 'an expression gives all of it: ${{ string(x) + "h" }}';
    check.addIssue({ code: 'custom', message });
    return;
  }
  for (const issue of durationOrTime.safeParse(given).error?.issues ?? []) {
    check.addIssue({ code: 'custom', message: issue.message });
  }
});

/** A glob over paths of the repository, as picomatch reads it. What expressions in it come to is checked again later. */
export const glob = text(5_000)
  .min(1, 'the glob is empty')
  .refine((pattern) => withoutExpressions(pattern).length <= 1_000, 'longer than 1000 characters')
  .refine(
    (pattern) => !pattern.startsWith('/') && !hasDotDot(withoutExpressions(pattern)),
    'a glob is relative to the root of the repository: no `/` at its start, no `..`',
  )
  .refine((pattern) => !pattern.startsWith('!'), 'a glob cannot begin with `!`: use `exclude` or `protect`');

/** Each expression as a letter, so that the rules see what is around it. */
function withoutExpressions(pattern: string): string {
  if (!mayHoldExpressions(pattern)) return pattern;
  const split = splitText(pattern);
  return split.ok ? split.parts.map((part) => ('text' in part ? part.text : 'x')).join('') : pattern;
}

/** Text of an expression or of program arguments and the like. */
export const expressionText = text(5_000).refine((source) => source.trim() !== '', 'the expression is empty');

/** Names that expressions reach by a dot. */
export const valueName = named(
  /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
  'a name of a value is 1 to 64 letters, digits and underscores, and begins with a letter or underscore',
  /[A-Za-z0-9_]/u,
).refine(
  (name) => !['true', 'false', 'null', 'in'].includes(name),
  'this is a word of the expression language',
);

export const templateName = named(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
  'a template name is 1 to 64 letters, digits, dots, underscores and dashes, and begins with a letter or digit',
  /[A-Za-z0-9._-]/u,
);

export const lockName = named(
  /^[a-z0-9][a-z0-9._/-]{0,63}$/,
  'a lock name is 1 to 64 lower-case letters, digits, dots, slashes, underscores and dashes',
  /[a-z0-9._/-]/u,
);

export const labelName = named(
  /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/,
  'a label name is 1 to 63 letters, digits, dots, slashes, underscores and dashes',
  /[A-Za-z0-9._/-]/u,
);

export const labelText = text(200).refine(
  (value) => !hasControls(value),
  'a label has no control characters',
);

/** A file of the repository. */
export const repoFile = text(1_000)
  .min(1, 'the path is empty')
  .refine(
    (path) => !path.startsWith('/') && !path.includes('\\') && !hasDotDot(path),
    'a path is relative to the root of the repository: no `/` at its start, no `..`',
  )
  .refine((path) => !hasControls(path), 'a path has no control characters');

export const matrixValue = text(300)
  .min(1, 'the value is empty')
  .refine((value) => !hasControls(value), 'a value has no control characters');

/** Branch, tag or SHA. */
export const gitRef = text(200).refine(isRefName, 'not a name that git takes for a branch, tag or commit');

export const branchName = text(200)
  .refine((name) => isRefName(name) && name !== 'HEAD', 'not a name that git takes for a branch')
  .refine((name) => !name.startsWith('refs/'), 'a branch is named without `refs/heads/`');

export const repoUrl = text(ADDRESS_LENGTH_MAX)
  .min(1, 'the address is empty')
  .superRefine((url, check) => {
    const message = addressProblem(url);
    if (message !== null) check.addIssue({ code: 'custom', message });
  });

/** Text of any length up to the bound, of any characters but NUL and half characters: no program can be given those. */
export function text(lengthMax: number): z.ZodString {
  return z
    .string()
    .max(lengthMax, `longer than ${lengthMax} characters`)
    .refine((value) => !value.includes('\0'), 'holds a NUL character')
    .refine((value) => value.isWellFormed(), 'holds half of a character (a lone surrogate)');
}

function named(pattern: RegExp, rule: string, allowed: RegExp): z.ZodString {
  return z.string().regex(pattern, {
    error: (issue) => {
      const strange = [...new Set(String(issue.input).slice(0, 1_000))].filter((one) => !allowed.test(one));
      return strange.length === 0
        ? rule
        : `${rule}; this one has ${strange.slice(0, 8).map(showCharacter).join(' ')}`;
    },
  });
}

/** Letters and signs of ASCII as they are, everything else by its number: look-alikes and escapes stay visible. */
function showCharacter(character: string): string {
  return /[!-~]/.test(character) ? `\`${character}\`` : escapeCharacter(character);
}

/** The rules of `git check-ref-format` that do not need a repository. */
function isRefName(name: string): boolean {
  if (name === '' || name === '@' || name.startsWith('-') || name.endsWith('.')) return false;
  if (/[\p{Cc} ~^:?*[\\]|\.\.|@\{/u.test(name)) return false;
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}

function hasDotDot(path: string): boolean {
  return path.split('/').includes('..');
}

function hasControls(value: string): boolean {
  return /\p{Cc}/u.test(value);
}
