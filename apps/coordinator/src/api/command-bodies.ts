import { z } from 'zod';
import { show } from '#contracts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const paramValue = z.union(
  [scalar, z.array(scalar)],
  'expected text, a number, true, false or a list of them',
);

/** `POST /v1/plans` */
export const submissionBody = z.strictObject(
  {
    text: z.string('expected the plan text, YAML or JSON, as a string').describe('The plan, YAML or JSON.'),
    repoUrl: z
      .string('expected a string')
      .optional()
      .describe("Used instead of the text's `repo.url`: a client resolves folders relative to where it is."),
    tenant: z
      .string('expected a string')
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected a name such as acme')
      .optional()
      .describe('Whom the plan belongs to, of those that the settings name. Absent: `local`.'),
    base: z
      .string('expected a string')
      .optional()
      .describe("Branch, tag or commit, used instead of the text's `repo.base`."),
    params: z
      .record(z.string(), paramValue, 'expected a map of names to values')
      .optional()
      .describe(
        "Values of the plan's params. Texts are taken for numbers, true/false and lists where it wants those.",
      ),
    files: z
      .record(z.string(), z.string('expected the text of the file'), 'expected a map of paths to texts')
      .optional()
      .describe('Texts of the files that `templateFiles` of the plan names, by the names there.'),
  },
  {
    error: (issue) =>
      wordShape(
        issue,
        '{"text": "<the plan>"}, and perhaps "tenant", "repoUrl", "base", "params" and "files"',
      ),
  },
);
export type SubmissionBody = z.infer<typeof submissionBody>;

/** `POST /v1/sinks/:sink/test` */
export const sinkTestBody = z.strictObject({}, { error: (issue) => wordShape(issue, '{}') }).optional();

function wordShape(issue: z.core.$ZodRawIssue, expected: string): string {
  const keys =
    issue.code === 'unrecognized_keys' ? `unknown key ${issue.keys.slice(0, 5).map(show).join(', ')}; ` : '';
  return `${keys}expected ${expected}`;
}
