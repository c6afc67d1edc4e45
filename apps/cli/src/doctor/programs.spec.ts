import { createServer, type AddressInfo } from 'node:net';
import { checkNats } from './programs.ts';

describe('what the doctor says of the server that NATS_URL names', () => {
  async function findingOf(greeting: string) {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(greeting);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const finding = await checkNats({ natsUrl: `nats://me:secret@${place}`, path: '', cacheDir: '/nowhere' });
    await new Promise((resolve) => server.close(resolve));
    expect(JSON.stringify(finding)).not.toContain('secret');
    return finding;
  }
  const info = (says: object) => `INFO ${JSON.stringify({ server_id: 'fake', ...says })} \r\n`;

  it('a new enough one with JetStream is found', async () => {
    const finding = await findingOf(info({ version: '2.12.1', jetstream: true }));
    expect(finding).toMatchObject({ state: 'found', detail: expect.stringContaining('2.12.1') });
  });

  it.each([
    ['an old one', { version: '2.11.9', jetstream: true }, '2.11.9 with JetStream enabled'],
    ['one without JetStream', { version: '2.12.1' }, '2.12.1 with JetStream disabled'],
  ])('%s will not do, and it says why and what to do', async (_what, says, detail) => {
    expect(await findingOf(info(says))).toMatchObject({
      state: 'missing',
      detail: expect.stringContaining(detail),
      todo: expect.stringContaining('2.12 or newer with JetStream'),
    });
  });

  it.each([
    ['something else', 'HTTP/1.1 400 Bad Request\r\n', 'not a NATS server'],
    ['one that says nothing', '', 'hung up'],
  ])('%s is no NATS server', async (_what, greeting, detail) => {
    expect(await findingOf(greeting)).toMatchObject({
      state: 'missing',
      detail: expect.stringContaining(detail),
    });
  });
});
