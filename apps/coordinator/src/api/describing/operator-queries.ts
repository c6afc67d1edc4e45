import { z } from 'zod';
import { word, wholeNumber } from './queries.ts';

const CURSOR = /^\d{1,19}-\d{1,9}$/;
const CODE = 'must be the code of a reason, such as leases-used-up';

export const deadLettersQuery = z.strictObject({
  limit: wholeNumber(1, 500).default(50).describe('Dead letters of a page.'),
  cursor: z
    .string('must be the nextCursor of another page, given once')
    .regex(CURSOR, 'must be the nextCursor of another page')
    .optional()
    .describe('`nextCursor` of the page before. Opaque.'),
  plan: word(100).optional().describe('Of this plan.'),
  name: word(100).optional().describe('Of plans whose names begin so, in whatever case.'),
  tenant: word(100).optional().describe('Of plans that belong to them.'),
  reason: z
    .string(CODE)
    .regex(/^[a-z0-9-]{1,64}$/, CODE)
    .optional()
    .describe('With this reason code.'),
});
export type DeadLettersQuery = z.infer<typeof deadLettersQuery>;
