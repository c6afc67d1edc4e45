import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { repositoryProblem } from '#domain';
import type { Kind } from './setting.ts';

function kind<T>(expected: string, read: (text: string) => T | undefined): Kind<T> {
  const schema = z.string().transform((text, check) => {
    const value = read(text);
    if (value !== undefined) return value;
    check.addIssue({ code: 'custom', message: `expected ${expected}` });
    return z.NEVER;
  });
  return { schema, expected };
}

export function wholeNumber(from: number, to: number): Kind<number> {
  return kind(`a whole number from ${from} to ${to}`, (text) => inRange(digits(text), from, to));
}

/** Bare numbers are milliseconds. */
export function duration(fromMs: number, toMs: number): Kind<number> {
  const unitsMs: Record<string, number> = { '': 1, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  return kind(`a duration such as 500ms, 30s, 10m or 2h, from ${fromMs} ms to ${toMs} ms`, (text) => {
    const match = /^(\d{1,12})(ms|s|m|h|)$/.exec(text);
    return match ? inRange(Number(match[1]) * unitsMs[match[2]!]!, fromMs, toMs) : undefined;
  });
}

/** KB, MB and GB are powers of 1024. */
export function bytes(from: number, to: number): Kind<number> {
  const units: Record<string, number> = { '': 1, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3 };
  return kind(`a size such as 64KB, 16MB or 2GB, from ${from} to ${to} bytes`, (text) => {
    const match = /^(\d{1,15})(KB|MB|GB|)$/i.exec(text);
    return match ? inRange(Number(match[1]) * units[match[2]!.toUpperCase()]!, from, to) : undefined;
  });
}

export function oneOf<const T extends string>(...values: T[]): Kind<T> {
  return kind(`one of ${values.join(', ')}`, (text) => values.find((value) => value === text));
}

export const yesOrNo: Kind<boolean> = kind('true or false', (text) =>
  ['true', '1', 'yes'].includes(text) ? true : ['false', '0', 'no'].includes(text) ? false : undefined,
);

/** Goes into subjects, queue and table names: no `.`, `*` or `>`. */
export const shortName: Kind<string> = kind(
  'a name of up to 32 lower-case letters, digits and dashes, starting with a letter',
  (text) => (/^[a-z][a-z0-9-]{0,31}$/.test(text) ? text : undefined),
);

export const workerName: Kind<string> = kind('up to 64 lower-case letters, digits and dashes', (text) =>
  /^[a-z0-9-]{1,64}$/.test(text) ? text : undefined,
);

export const schemaName: Kind<string> = kind(
  'a Postgres schema name of up to 63 lower-case letters, digits and underscores, not starting with pg_',
  (text) => (/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(text) ? text : undefined),
);

export const line: Kind<string> = kind('one line of text', (text) =>
  /[\p{Cc}]/u.test(text) ? undefined : text,
);

export function url(...schemes: string[]): Kind<string> {
  const expected = `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return kind(expected, (text) => {
    const scheme = schemes.find((allowed) => text.startsWith(`${allowed}://`));
    return scheme !== undefined && URL.canParse(text) && new URL(text).hostname !== '' ? text : undefined;
  });
}

/** Several servers of one cluster, separated by commas. */
export const natsUrls: Kind<string> = kind(
  'a URL such as nats://user:password@host:4222, or several with commas between',
  (text) => (text.split(',').every(isNatsUrl) ? text : undefined),
);

/** Only this machine may talk to us: there is no login yet. */
export const loopbackHost: Kind<string> = kind('a loopback address: 127.0.0.1, ::1 or localhost', (text) =>
  /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(text) ? text : undefined,
);

export const folder: Kind<string> = kind('an absolute path', (text) =>
  isAbsolute(text) && !text.includes('\0') ? text : undefined,
);

export const folders: Kind<readonly string[]> = kind('absolute paths with colons between', (text) => {
  const paths = text.split(':').filter((path) => path !== '');
  return paths.every((path) => isAbsolute(path)) ? paths : undefined;
});

export function nameList(expected: string, name: RegExp, max = Infinity): Kind<readonly string[]> {
  const atMost = max === Infinity ? '' : `, at most ${max}`;
  return kind(`${expected}${atMost}, with commas between`, (text) => {
    const names = [...new Set(text.split(',').map((part) => part.trim()))];
    return names.length <= max && names.every((part) => name.test(part)) ? names : undefined;
  });
}

export const poolCaps: Kind<Readonly<Record<string, number>>> = kind(
  'pools with their caps, such as heavy=2,default=64',
  (text) => {
    const pairs = text.split(',').map((part) => /^([a-z0-9-]{1,32})=(\d{1,6})$/.exec(part.trim()));
    if (pairs.some((pair) => pair === null)) return undefined;
    return Object.fromEntries(pairs.map((pair) => [pair![1]!, Number(pair![2])]));
  },
);

/** Names with whole numbers, such as `acme=20,*=50`. */
export function namedNumbers(
  expected: string,
  o: { name: RegExp; from: number; to: number },
): Kind<Readonly<Record<string, number>>> {
  return kind(`${expected}, each from ${o.from} to ${o.to}`, (text) => {
    const values: Record<string, number> = {};
    for (const part of text.split(',').filter((one) => one.trim() !== '')) {
      const match = /^(.+)=(\d{1,12})$/.exec(part.trim());
      const value = match ? inRange(Number(match[2]), o.from, o.to) : undefined;
      if (!match || value === undefined || !o.name.test(match[1]!)) return undefined;
      values[match[1]!] = value;
    }
    return values;
  });
}

/** Addresses of repositories with whole numbers. They may hold `=` and spaces: each ends with the first number after a `=`. */
export function addressedNumbers(
  expected: string,
  { from, to }: { from: number; to: number },
): Kind<Readonly<Record<string, number>>> {
  return kind(`${expected}, each from ${from} to ${to}`, (text) => {
    const values: Record<string, number> = {};
    for (const part of text.split(/(?<==\d{1,12})\s+/).filter((one) => one.trim() !== '')) {
      const match = /^(.+)=(\d{1,12})$/.exec(part.trim());
      const value = match ? inRange(Number(match[2]), from, to) : undefined;
      if (!match || value === undefined || !isNameable(match[1]!)) return undefined;
      values[match[1]!] = value;
    }
    return values;
  });
}

/** Two addresses of which the first has no number look like one with a space in it. */
function isNameable(address: string): boolean {
  if (address === '*') return true;
  return repositoryProblem(address) === null && !/\s[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(address);
}

function isNatsUrl(text: string): boolean {
  return /^(nats|tls|ws|wss):\/\//.test(text) && URL.canParse(text) && new URL(text).hostname !== '';
}

function digits(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

function inRange(value: number, from: number, to: number): number | undefined {
  return value >= from && value <= to ? value : undefined;
}
