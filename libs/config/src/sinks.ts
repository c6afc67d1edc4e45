import { z } from 'zod';
import type { Kind } from './setting.ts';
import { INCIDENTS, NEWS, type PageKindSetting, type SinkSetting } from './sink-setting.ts';

const SINKS_MAX = 16;
const DEFAULT_ON: PageKindSetting[] = ['step.poisoned', 'plan.halted', 'plan.stuck', 'plan.unreadable'];
const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'up to 32 lower-case letters, digits and dashes, starting with a letter');
const address = z.string().refine(isAddress, 'an https:// URL without user, password and fragment');
const secret = z.string().regex(/^[\x21-\x7e]{16,256}$/, '16 to 256 visible ASCII characters without spaces');
const allowHttp = z.boolean().default(false);
const kinds = <const T extends readonly PageKindSetting[]>(...of: T) =>
  z.array(z.enum(of)).min(1).max(of.length).default(DEFAULT_ON);

const sink = z
  .discriminatedUnion('type', [
    z.strictObject({
      name,
      type: z.literal('webhook'),
      url: address,
      secrets: z.array(secret).min(1, 'one secret, or the new and the old one').max(2, 'at most two secrets'),
      on: kinds(...INCIDENTS, ...NEWS),
      allowHttp,
    }),
    z.strictObject({
      name,
      type: z.literal('slack'),
      url: address,
      on: kinds(...INCIDENTS, ...NEWS),
      allowHttp,
    }),
    z.strictObject({
      name,
      type: z.literal('pagerduty'),
      url: address.default(PAGERDUTY_URL),
      routingKey: z.string().regex(/^[A-Za-z0-9]{32}$/, 'the 32 letters and digits of an integration key'),
      // What is only news would stay open as an incident for ever.
      on: kinds(...INCIDENTS),
      allowHttp,
    }),
  ])
  .refine(({ url, allowHttp: allowed }) => !url.startsWith('http:') || allowed || isLoopback(url), {
    path: ['url'],
    message:
      'https://, for a page crosses the network in it (http:// only to this machine, or with "allowHttp": true)',
  });

const list = z
  .array(sink)
  .max(SINKS_MAX)
  .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'names that differ');

const expected = 'a JSON list of sinks (docs/paging.md)';

/** Addresses and keys are secrets: what is wrong is told by its place, never by its text. */
export const sinkList: Kind<readonly SinkSetting[]> = {
  expected,
  schema: z.string().transform((text, check): readonly SinkSetting[] => {
    const read = list.safeParse(parsed(text));
    if (read.success) return read.data.map(({ allowHttp: _, ...one }) => one);
    const [first] = read.error.issues;
    const message = `expected ${expected}; at ${placeOf(first?.path ?? [])}: ${first?.message ?? ''}`;
    check.addIssue({ code: 'custom', message });
    return z.NEVER;
  }),
};

/** undefined, which is no list, when it is no JSON: the message of the parser repeats what it read. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function placeOf(path: readonly PropertyKey[]): string {
  const place = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return place === '' ? 'the whole' : place.slice(0, 100);
}

function isAddress(text: string): boolean {
  if (!/^https?:\/\//.test(text) || text.length > 2_000 || !URL.canParse(text)) return false;
  const { username, password, hash, hostname } = new URL(text);
  return hostname !== '' && username === '' && password === '' && hash === '';
}

function isLoopback(url: string): boolean {
  return /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/.test(new URL(url).hostname);
}
