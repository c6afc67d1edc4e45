import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/**
 * Below the ports that kernels give to outgoing connections (Linux from 32768, macOS from 49152). Otherwise a client
 * that reconnects while its server is down can get the server's port for itself, and even connect to itself.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const TRIES = 64;

/**
 * A port of the loopback interface that is free now: the preferred one if it can be had, else any.
 * Somebody may take it before the server does; callers try again with another one.
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port was found on ${LOOPBACK} between ${LOWEST} and ${HIGHEST}.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: LOOPBACK, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
