import { connectBus } from '#bus';
import type { Settings } from '#config';
import { removeLedger } from '#ledger';
import type { Logger } from '#telemetry';

/**
 * Servers that were given by DATABASE_URL and NATS_URL outlive the demo: what it made there under its random name
 * goes, and nothing else is touched.
 */
export async function leaveForeignServers(o: {
  settings: Settings;
  namespace: string;
  log: Logger;
}): Promise<void> {
  const { databaseUrl } = o.settings.ledger;
  const { natsUrl } = o.settings.bus;
  if (databaseUrl !== null) await removeLedger({ adminUrl: databaseUrl, schema: o.namespace });
  if (natsUrl !== null) await removeStreams(natsUrl, o.namespace, o.log);
}

async function removeStreams(url: string, namespace: string, log: Logger): Promise<void> {
  await using bus = await connectBus({ url, namespace, name: 'demo', log });
  const names: string[] = [];
  for await (const { config } of bus.jsm.streams.list()) {
    if (config.name.startsWith(namespace)) names.push(config.name);
  }
  for (const name of names) await bus.jsm.streams.delete(name);
}
