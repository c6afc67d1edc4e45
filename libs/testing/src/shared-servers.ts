import { join } from 'node:path';
import { findNatsServer, type Run, RunRegistry, startNats, startPostgres, stopServersBelow } from '#servers';
import { silentLogger } from '#telemetry';
import { tempRoot } from './temp-root.ts';
import { handToSpecs } from './test-servers.ts';

const log = silentLogger;

/**
 * Starts what all integration specs of a Jest run share, and leaves the way to stop it where the tear-down finds it.
 * A run that is killed is cleaned up by the next one.
 */
export async function startSharedServers(): Promise<void> {
  const root = tempRoot();
  // As data folder: servers that specs started for themselves are below it, and are found when this run is killed.
  const run = await new RunRegistry({ log }).begin({
    kind: 'test',
    ...(root === null ? {} : { dataDir: root }),
  });
  try {
    const stop = await startIn(run);
    (globalThis as { skeinSharedServers?: { stop(): Promise<void> } }).skeinSharedServers = { stop };
  } catch (error) {
    await run.end();
    throw error;
  }
}

async function startIn(run: Run): Promise<() => Promise<void>> {
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
  const folder = await run.ephemeralDir('test-servers');
  const program = await findNatsServer({ log, onProgress });
  const nats = await startNats({ program, storeDir: join(folder, 'nats'), log });
  await run.addNats(nats);
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), log, fsync: false });
  await run.addPostgres(postgres);
  handToSpecs({ postgresAdminUrl: postgres.adminUrl, natsUrl: nats.url }, program);
  return async () => {
    await Promise.all([postgres.stop(), nats.stop()]);
    await run.end();
    // What a spec that failed did not stop.
    const root = tempRoot();
    if (root !== null) await stopServersBelow(root, log);
  };
}
