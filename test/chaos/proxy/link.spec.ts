import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '#testing';
import { Link } from './link.ts';

let server: Server;
let served: Socket[];
let link: Link;
let dialled: Socket[];

beforeEach(async () => {
  served = [];
  dialled = [];
  server = createServer((socket) => {
    served.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  link = await Link.open('echo', (server.address() as AddressInfo).port);
});

afterEach(async () => {
  for (const socket of dialled) socket.destroy();
  await link.close();
  await new Promise((resolve) => server.close(resolve));
});

interface Caller {
  socket: Socket;
  heard: () => string;
  closed: () => boolean;
}

async function dial(): Promise<Caller> {
  const socket = connect({ port: link.port, host: '127.0.0.1' });
  dialled.push(socket);
  let text = '';
  let closed = false;
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  socket.on('data', (piece: Buffer) => (text += piece.toString()));
  await once(socket, 'connect');
  return { socket, heard: () => text, closed: () => closed };
}

async function talking(): Promise<Caller> {
  const caller = await dial();
  caller.socket.write('a');
  await eventually(() => caller.heard() === 'a');
  return caller;
}

describe('a link', () => {
  it('carries both ways, in order, and the end too', async () => {
    const caller = await dial();
    const text = 'x'.repeat(3_000_000);
    caller.socket.write(text);
    caller.socket.end('end');
    await eventually(() => caller.closed());
    expect(caller.heard() === `${text}end`).toBe(true);
  });

  it('that is cut ends what was open and takes nothing new, until it is open again', async () => {
    const caller = await talking();
    link.set('cut');
    await eventually(() => caller.closed());
    const refused = connect({ port: link.port, host: '127.0.0.1' });
    dialled.push(refused);
    refused.on('error', () => undefined);
    await eventually(() => refused.closed);
    link.set('open');
    await talking();
  });

  it('that is a black hole tells nobody, and hands over in order what was said meanwhile', async () => {
    const caller = await talking();
    link.set('black-hole');
    caller.socket.write('b');
    caller.socket.write('c');
    const beside = await dial();
    beside.socket.write('z');
    await new Promise((wake) => setTimeout(wake, 100));
    expect([caller.heard(), caller.closed(), beside.heard()]).toEqual(['a', false, '']);
    link.set('open');
    await eventually(() => caller.heard() === 'abc' && beside.heard() === 'z');
  });

  it('that is half open has lost the far end, and the near end learns it only afterwards', async () => {
    const caller = await talking();
    link.set('half-open');
    await eventually(() => served.every((socket) => socket.destroyed));
    caller.socket.write('b');
    await new Promise((wake) => setTimeout(wake, 100));
    expect(caller.closed()).toBe(false);
    link.set('open');
    await eventually(() => caller.closed());
    await talking();
  });

  it('that is slow delays what passes and loses nothing', async () => {
    const caller = await talking();
    link.set('slow');
    const before = performance.now();
    caller.socket.write('b');
    await eventually(() => caller.heard() === 'ab');
    expect(performance.now() - before).toBeGreaterThan(400);
  });

  it('leads to where the server came back', async () => {
    const elsewhere = createServer((socket) => socket.end('elsewhere'));
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    link.targetPort = (elsewhere.address() as AddressInfo).port;
    const caller = await dial();
    await eventually(() => caller.heard() === 'elsewhere');
    await new Promise((resolve) => elsewhere.close(resolve));
  });
});
