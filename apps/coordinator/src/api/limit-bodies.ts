import { z } from 'zod';
import { wordShape } from './operator-bodies.ts';

const AT_ONCE_MAX = 200;
const NUMBER = 'expected a whole number, or null for what the settings say';

/** `PATCH /v1/limits`: which keys and values make sense is the decider's word. */
export const limitsBody = z.strictObject(
  {
    limits: z
      .record(z.string().max(2_100), z.int(NUMBER).nullable(), `expected a map such as {"tenant:acme": 20}`)
      .refine((limits) => Object.keys(limits).length > 0, 'names no limit')
      .refine((limits) => Object.keys(limits).length <= AT_ONCE_MAX, `names more than ${AT_ONCE_MAX} limits`)
      .describe(
        'By `fleet`, `tenant:<name>`, `pool:<name>`, `plan:<id>`, `repository:<address>`, `lock:<name>`, `quota:<tenant>`, `weight:<tenant>`, `priority:<plan id>`; null: as the settings have it again. What is not named stays. All of it is done, or nothing.',
      ),
    why: z
      .string('expected a string')
      .max(1_000, 'longer than 1000 characters')
      .optional()
      .describe('Recorded with it.'),
  },
  { error: (issue) => wordShape(issue, '{"limits": {"tenant:acme": 20}}, and perhaps "why"') },
);
export type LimitsBody = z.infer<typeof limitsBody>;
