import { createServer, type AddressInfo } from 'node:net';

const TRIES_MAX = 100;

/** The first free port of the loopback interface, from the wanted one upwards; 0: any. */
export async function nextFreePort(wanted: number, host = '127.0.0.1'): Promise<number> {
  if (wanted === 0) return anyFreePort(host);
  for (let port = wanted; port < wanted + TRIES_MAX && port <= 65_535; port++) {
    if (await isFree(port, host)) return port;
  }
  throw new NoFreePortError(wanted);
}

function anyFreePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ port: 0, host, exclusive: true }, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

export class NoFreePortError extends Error {
  readonly code = 'no-free-port';
  readonly retry = 'never';
  constructor(readonly wanted: number) {
    super(`no port from ${wanted} to ${wanted + TRIES_MAX - 1} is free`);
  }
}
