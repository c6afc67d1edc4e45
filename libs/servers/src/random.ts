import { randomBytes } from 'node:crypto';

/** 192 bits in characters that need no quoting in URLs, configuration files or SQL. */
export function randomPassword(): string {
  return randomBytes(24).toString('hex');
}
