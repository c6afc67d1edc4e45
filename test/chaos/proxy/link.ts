import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * - open: bytes pass.
 * - cut: connections are reset, new ones are refused.
 * - slow: each piece waits; what follows waits behind it.
 * - black-hole: nothing passes and nobody is told; it passes later, as after a network that lost everything for a while.
 * - half-open: the far end is gone and the near end is not told; it finds out when the link is open again.
 */
export type LinkMode = 'open' | 'cut' | 'slow' | 'black-hole' | 'half-open';

const SLOW_MS = 250;
const CONNECTIONS_MAX = 500;

interface Pair {
  near: Socket;
  far: Socket;
}

/** A TCP proxy on loopback before one server. Holds one piece per direction and connection: no memory to speak of. */
export class Link {
  private mode: LinkMode = 'open';
  private readonly server: Server;
  private readonly pairs = new Set<Pair>();
  private changed: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly name: string;
  /** Where it leads; may change when the server comes back elsewhere. */
  targetPort: number;

  private constructor(name: string, server: Server, targetPort: number) {
    this.name = name;
    this.server = server;
    this.targetPort = targetPort;
  }

  static async open(name: string, targetPort: number): Promise<Link> {
    // Each direction ends by itself, as it would without us in between.
    const server = createServer({ allowHalfOpen: true });
    const link = new Link(name, server, targetPort);
    server.maxConnections = CONNECTIONS_MAX;
    server.on('connection', (near) => link.accept(near));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return link;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The same URL, by way of this link. */
  through(url: string): string {
    const proxied = new URL(url);
    proxied.port = String(this.port);
    return proxied.toString();
  }

  set(mode: LinkMode): void {
    const before = this.mode;
    this.mode = mode;
    if (mode === 'cut' || before === 'half-open') for (const pair of this.pairs) reset(pair);
    if (mode === 'half-open') for (const { far } of this.pairs) far.destroy();
    this.changed.resolve();
    this.changed = Promise.withResolvers();
  }

  async close(): Promise<void> {
    this.set('cut');
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(near: Socket): void {
    // Both are answered for here; what they fail with is the business of the two that talk.
    near.on('error', () => undefined);
    if (this.mode === 'cut') return void near.resetAndDestroy();
    const far = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true });
    far.on('error', () => undefined);
    for (const socket of [near, far]) socket.setNoDelay(true);
    const pair = { near, far };
    this.pairs.add(pair);
    if (this.mode === 'half-open') far.destroy();
    this.carry(near, far);
    this.carry(far, near);
    near.once('close', () => this.forget(pair));
    far.once('close', () => this.forget(pair));
  }

  private forget(pair: Pair): void {
    if (pair.near.destroyed && pair.far.destroyed) this.pairs.delete(pair);
  }

  private carry(from: Socket, to: Socket): void {
    from.on('data', (piece: Buffer) => {
      if (this.mode === 'open') {
        if (to.destroyed || to.write(piece)) return;
      }
      from.pause();
      void this.deliver(piece, from, to);
    });
    from.once('end', () => void this.passable().then(() => to.end()));
    from.once('close', (hadError) => {
      void this.passable().then(() => (hadError ? to.resetAndDestroy() : to.end()));
    });
  }

  private async deliver(piece: Buffer, from: Socket, to: Socket): Promise<void> {
    if (this.mode === 'open') await drained(to);
    else {
      await this.passable();
      if (!to.destroyed && !to.write(piece)) await drained(to);
    }
    from.resume();
  }

  /** Resolves when something may pass. The far end's death is not told while the link is half open. */
  private async passable(): Promise<void> {
    if (this.mode === 'slow') await wait(SLOW_MS);
    while (this.mode === 'black-hole' || this.mode === 'half-open') await this.changed.promise;
  }
}

function reset({ near, far }: Pair): void {
  near.resetAndDestroy();
  far.resetAndDestroy();
}

function drained(socket: Socket): Promise<void> {
  if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', resolve);
  });
}
