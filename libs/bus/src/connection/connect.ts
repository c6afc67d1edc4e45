import { setTimeout as wait } from 'node:timers/promises';
import { errors, type NatsConnection } from '@nats-io/nats-core';
import { connect, type NodeConnectionOptions } from '@nats-io/transport-node';
import type { Logger } from '#telemetry';
import { BusUnavailableError, UnfitServerError } from '../errors.ts';
import { Bus } from './bus.ts';

export interface BusOptions {
  /** `nats://user:password@host:port` or `tls://...`; several: an array or comma-separated, same credentials. */
  url: string | string[];
  /** `[a-z0-9-]`: prefix of every subject, stream and consumer, so that fleets can share a server. */
  namespace: string;
  /** Shown in the server's connection list. */
  name: string;
  log: Logger;
  /** Where answers come in; with per-worker permissions `_INBOX_<worker>`. */
  inboxPrefix?: string;
  /** How long the first connection may take (default 20 s). Afterwards the bus reconnects for ever. */
  firstConnectMs?: number;
}

/**
 * Throws BusUnavailableError when no server answers in time, or when it refuses the credentials, and UnfitServerError
 * when the one that answers is too old or has no JetStream: waiting does not change that.
 */
export async function connectBus(o: BusOptions): Promise<Bus> {
  if (!/^[a-z0-9-]{1,64}$/.test(o.namespace)) throw new TypeError(`Not a bus namespace: "${o.namespace}"`);
  const connection = await firstConnection(o);
  const unfit = unfitness(connection);
  if (unfit !== null) {
    await connection.close();
    throw unfit;
  }
  return Bus.over(connection, o);
}

/** What the server says of itself when it greets us: that needs no permission, so it works for every user. */
function unfitness(connection: NatsConnection): UnfitServerError | null {
  const { version = 'unknown', jetstream = false } = connection.info ?? {};
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  if (jetstream && (major > 2 || (major === 2 && minor >= 12))) return null;
  return new UnfitServerError(connection.getServer(), version, jetstream);
}

async function firstConnection(o: BusOptions): Promise<NatsConnection> {
  const endsAt = performance.now() + (o.firstConnectMs ?? 20_000);
  for (;;) {
    try {
      return await connect(connectionOptions(o));
    } catch (cause) {
      if (cause instanceof errors.AuthorizationError || performance.now() >= endsAt) {
        throw new BusUnavailableError('connect', { cause });
      }
      o.log.warn({ err: cause }, 'NATS does not answer yet');
      await wait(100 + Math.random() * 400);
    }
  }
}

function connectionOptions(o: BusOptions): NodeConnectionOptions {
  const urls = (Array.isArray(o.url) ? o.url : o.url.split(',')).map((text) => new URL(text.trim()));
  const user = urls.find((url) => url.username !== '');
  return {
    servers: urls.map((url) => url.host),
    name: o.name,
    ...credentials(user),
    ...(urls.some((url) => url.protocol === 'tls:') ? { tls: {} } : {}),
    ...(o.inboxPrefix === undefined ? {} : { inboxPrefix: o.inboxPrefix }),
    timeout: 5_000,
    // For ever, also through a restart that briefly refuses our credentials.
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: () => 50 + Math.random() * 450,
    // A half-open connection is noticed within about 10 s.
    pingInterval: 5_000,
    maxPingOut: 2,
    // A stack trace per request costs more than the request.
    noAsyncTraces: true,
  };
}

function credentials(url: URL | undefined): Partial<NodeConnectionOptions> {
  if (url === undefined) return {};
  const user = decodeURIComponent(url.username);
  return url.password === '' ? { token: user } : { user, pass: decodeURIComponent(url.password) };
}
