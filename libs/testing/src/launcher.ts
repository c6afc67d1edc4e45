import { join } from 'node:path';
import { type NatsProgram, RunRegistry, startNats, startPostgres } from '#servers';
import { silentLogger as log } from '#telemetry';
import type { LauncherOptions, LauncherServers } from './launchers.ts';

/** A launcher like `skein up`, run by specs as a process of its own to be killed. Started by `startLauncher`. */
const o = JSON.parse(process.argv[2]!) as LauncherOptions & { program: NatsProgram };
const run = await new RunRegistry({ cacheDir: o.cacheDir, log }).begin({
  kind: 'launcher',
  ...(o.dataDir === undefined ? {} : { dataDir: o.dataDir }),
});
const folder = run.dataDir ?? (await run.ephemeralDir('launcher'));
const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), log, fsync: false });
if (o.records !== false) await run.addPostgres(postgres);
const nats = await startNats({ program: o.program, storeDir: join(folder, 'nats'), log });
if (o.records !== false) await run.addNats(nats);

const told: LauncherServers = {
  folder,
  adminUrl: postgres.adminUrl,
  natsUrl: nats.url,
  pids: [postgres.pid, nats.pid],
};
process.stdout.write(`${JSON.stringify(told)}\n`);
process.on('SIGTERM', () => {
  void Promise.all([postgres.stop(), nats.stop()])
    .then(() => run.end())
    .then(() => process.exit(0));
});
setInterval(() => undefined, 60_000);
