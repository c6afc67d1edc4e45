import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findNatsServer, startNats, startPostgres } from '#servers';
import { silentLogger } from '#telemetry';
import { tempDir } from './temp-root.ts';
import { handToSpecs } from './test-servers.ts';

/** Starts what all integration specs of a run share, and leaves the way to stop it where the tear-down finds it. */
export async function startSharedServers(): Promise<void> {
  const log = silentLogger;
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
  const folder = await tempDir('servers');
  const program = await findNatsServer({ log, onProgress });
  const nats = await startNats({ program, storeDir: join(folder, 'nats'), log });
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    log,
    onProgress,
    fsync: false,
  }).catch(async (error: unknown) => {
    await nats.stop();
    throw error;
  });
  handToSpecs({ postgresAdminUrl: postgres.adminUrl, natsUrl: nats.url }, program);
  (globalThis as { skeinSharedServers?: { stop(): Promise<void> } }).skeinSharedServers = {
    stop: async () => {
      await Promise.all([postgres.stop(), nats.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
