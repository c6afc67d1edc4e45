import { createServer } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/**
 * A port of the loopback interface that is free now: the preferred one if it can be had, else any.
 * Somebody may take it before the server does; callers try again with another one.
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined) {
    const port = await tryPort(preferred);
    if (port !== null) return port;
  }
  const port = await tryPort(0);
  if (port === null) throw new Error('No port is free on the loopback interface.');
  return port;
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(null));
    probe.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = probe.address();
      const got = address !== null && typeof address === 'object' ? address.port : null;
      probe.close(() => resolve(got));
    });
  });
}
