import { createServer, type AddressInfo } from 'node:net';
import { freePort } from './free-port.ts';

describe('a free port', () => {
  it('is none that an outgoing connection of somebody can get', async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
    for (const port of ports) expect(port).toBeLessThan(32_768);
  });

  it('is the preferred one, unless that is taken', async () => {
    const preferred = await freePort();
    expect(await freePort(preferred)).toBe(preferred);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(preferred, '127.0.0.1', resolve));
    expect((taken.address() as AddressInfo).port).toBe(preferred);
    expect(await freePort(preferred)).not.toBe(preferred);
    taken.close();
  });
});
