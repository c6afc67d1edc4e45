import { createServer, type AddressInfo, type Server } from 'node:net';
import { silentLogger } from '#telemetry';
import { connectBus } from './connect.ts';

/** Speaks just enough of NATS to be connected to, and says of itself what the test wants. */
class FakeNats {
  connections = 0;
  readonly #server: Server;

  constructor(says: { version?: string; jetstream?: boolean }) {
    const info = { server_id: 'fake', max_payload: 1_048_576, proto: 1, headers: true, ...says };
    this.#server = createServer((socket) => {
      this.connections++;
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => {
        if (data.includes('PING\r\n')) socket.write('PONG\r\n');
      });
      socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Waits until every client is gone: a connection left open would make the test time out. */
  async stop(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('the first connection to a NATS server', () => {
  const connectTo = (place: string) =>
    connectBus({
      url: `nats://worker:secret@${place}`,
      namespace: 'test',
      name: 'test',
      log: silentLogger,
      firstConnectMs: 5_000,
    });

  it.each([
    ['too old', { version: '2.11.9', jetstream: true }, '2.11.9 with JetStream enabled'],
    ['of an older major version', { version: '1.14.0', jetstream: true }, '1.14.0 with JetStream enabled'],
    ['without JetStream', { version: '2.12.1' }, '2.12.1 with JetStream disabled'],
  ])('is refused once and for all by us, and closed, when the server is %s', async (_what, says, found) => {
    const server = new FakeNats(says);
    const place = await server.start();
    const error: unknown = await connectTo(place).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'bus-server-unfit', retry: 'never', server: place });
    const { message } = error as Error;
    for (const said of [found, place, '2.12 or newer with JetStream enabled', 'Upgrade'])
      expect(message).toContain(said);
    expect(message).not.toContain('secret');
    expect(server.connections).toBe(1);
    await server.stop();
  });

  it.each(['2.12.0', '2.12.0-beta.1', '2.14.3', '3.0.0'])('is made with a server %s', async (version) => {
    const server = new FakeNats({ version, jetstream: true });
    const bus = await connectTo(await server.start());
    expect(bus.connected).toBe(true);
    await bus.close();
    await server.stop();
  });
});
