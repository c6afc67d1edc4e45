import { createHash } from 'node:crypto';
import type { GivenBeside } from './plan-resolution.ts';

/** SHA-256 (hex) of the text's UTF-8 bytes and, when params or files were given, of those too. */
export function planDigest(text: string, given: Partial<GivenBeside> = {}): string {
  return digestWithGiven(sha256(text), given);
}

/**
 * What a plan is pinned to when something was given beside its text: two submissions with the same digest are the same
 * plan. The digest itself when nothing was: what was recorded before there were params stays what it is.
 */
export function digestWithGiven(digest: string, { params = {}, files = {} }: Partial<GivenBeside>): string {
  if (Object.keys(params).length === 0 && Object.keys(files).length === 0) return digest;
  // The first line is no plan text: no other text has the same digest.
  return sha256(`a plan with what was given beside it\n${digest}\n${canonical({ params, files })}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON with its keys in order. What a request holds has few levels: its reader sees to that. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}
