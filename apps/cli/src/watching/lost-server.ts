import { ConnectionError } from '#client';

/** For a line of a terminal: the address of a stream is long, and the person who watches knows where it is. */
export function describeLoss(error: Error): string {
  const why = error instanceof ConnectionError ? error.why : error.message;
  return `lost the server: ${why}; trying again`;
}
