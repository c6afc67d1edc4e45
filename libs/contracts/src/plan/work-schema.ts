import { z } from 'zod';
import { optionally, use } from './key-facts.ts';
import { command, glob, repoFile, text, waitEnd } from './rules.ts';

/** The kinds of work that a step can be. */

const TEXT_MAX = 1_048_576;

export const wait = use(
  'wait',
  z.union(
    [
      use('wait', waitEnd),
      z.strictObject({
        until: use('wait', waitEnd).describe(
          "A time in ISO 8601, such as '2026-12-01T08:00:00Z', or a duration.",
        ),
      }),
    ],
    { error: 'expected a duration, a time or { until: <time> }' },
  ),
);

const runScript = z.strictObject({
  script: use('opaque', text(TEXT_MAX))
    .min(1, 'the script is empty')
    .optional()
    .describe('A program, run by its `#!` line, else by sh. Expressions mean nothing in it: give it `args`.'),
  scriptFile: use('text', repoFile)
    .optional()
    .describe('Instead of `script`: a file of the repository, read at the base.'),
  args: optionally(z.array(use('late', text(32_768))).max(100), 'none').describe(
    'Arguments of the script. No shell reads them.',
  ),
});

const runCommand = use('command', command);

export const run = z.union(
  [runCommand, z.array(runCommand).min(1, 'the list is empty').max(100), runScript],
  { error: 'expected a command, a list of commands or { script, args }' },
);

const options = z.record(z.string().max(200), z.unknown()).superRefine((given, check) => {
  if (!isJson(given))
    check.addIssue({ code: 'custom', message: 'the options hold a number that JSON has not' });
  else if (JSON.stringify(given).length > 65_536) {
    check.addIssue({ code: 'custom', message: 'the options are larger than 64 KB' });
  }
});

export const codemod = z.strictObject({
  language: use('static', z.enum(['JavaScript', 'TypeScript', 'Tsx', 'Html', 'Css']))
    .optional()
    .describe('With `rules` or `rulesFile`: the language that they are for, as ast-grep names it.'),
  rules: use('opaque', text(TEXT_MAX))
    .min(1, 'the rules are empty')
    .optional()
    .describe('ast-grep rules: YAML documents with `rule` and `fix`.'),
  rulesFile: use('text', repoFile)
    .optional()
    .describe('Instead of `rules`: a file of the repository, read at the base.'),
  transform: use('opaque', text(TEXT_MAX))
    .min(1, 'the transform is empty')
    .optional()
    .describe(
      'A transform in the manner of jscodeshift: a JavaScript module whose default export is `(file, api, options) => source`.',
    ),
  transformFile: use('text', repoFile)
    .optional()
    .describe('Instead of `transform`: a file of the repository, read at the base.'),
  parser: optionally(use('static', z.enum(['babel', 'babylon', 'flow', 'ts', 'tsx'])), 'babel').describe(
    'With a transform: what reads the source.',
  ),
  options: optionally(use('static', options), '{}').describe('With a transform: its third argument.'),
  files: optionally(
    use('glob', z.array(use('glob', glob)).max(1_000)),
    'the files of the matrix, else every file of the language',
  ).describe('Globs of the files to rewrite.'),
  unparsable: use('static', z.enum(['report', 'fail']))
    .default('report')
    .describe('A source that cannot be parsed is skipped and reported, or fails the attempt.'),
});

export const agent = z.strictObject({
  command: use('command', command).describe(
    'Shell command that edits the worktree. It is given $SKEIN_PROMPT and, from the second attempt on, $SKEIN_FEEDBACK (both files).',
  ),
  prompt: use('late', text(TEXT_MAX))
    .min(1, 'the prompt is empty')
    .optional()
    .describe('What the agent is asked to do.'),
  promptFile: use('text', repoFile)
    .optional()
    .describe(
      'Instead of `prompt`: a file of the repository, read at the base. Expressions mean nothing in it.',
    ),
});

/** YAML knows infinity and not-a-number; JSON does not. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return value !== undefined;
  return Object.values(value).every(isJson);
}
