import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { connectBus } from '#bus';
import { findNatsServer, startNats, startPostgres } from '#servers';
import { silentLogger } from '#telemetry';
import { eventually } from '#testing';
import { listens, OwnMachine, PACKAGE, type Started } from './own-machine.ts';

const DEMO = join(PACKAGE, 'dist/apps/cli/src/demo/main.js');
const TEST_MS = 240_000;
/** The demo takes the first free port from here; tests of other files use ports of the system's choice. */
const env = { SKEIN_PORT: '17070' };

/** Servers of somebody else, with something of theirs in them. */
async function foreignServers(folder: string) {
  const log = silentLogger;
  const program = await findNatsServer({ log });
  const postgres = await startPostgres({ dataDir: join(folder, 'their-postgres'), log, fsync: false });
  const nats = await startNats({ program, storeDir: join(folder, 'their-nats'), log });
  const bus = await connectBus({ url: nats.url, namespace: 'theirs', name: 'they', log });
  await bus.jsm.streams.add({ name: 'theirs', subjects: ['theirs.>'] });
  const client = new pg.Client({ connectionString: postgres.adminUrl });
  await client.connect();
  return {
    databaseUrl: postgres.adminUrl,
    natsUrl: nats.url,
    contents: async () => ({
      schemas: (await client.query('SELECT nspname FROM pg_namespace ORDER BY 1')).rows as unknown[],
      roles: (await client.query('SELECT rolname FROM pg_roles ORDER BY 1')).rows as unknown[],
      streams: await bus.jsm.streams.names().next(),
    }),
    stop: async () => {
      await client.end();
      await bus.close();
      await Promise.all([nats.stop(), postgres.stop()]);
    },
  };
}

/** Where the demo said that it listens. */
async function portOf(demo: Started): Promise<number> {
  return Number((await demo.prints(/ready at http:\/\/127\.0\.0\.1:(\d+)/))[1]);
}

describe('the demo', () => {
  it(
    'migrates a service, shows the branch, progress.md and a verified ledger, ends with 0 and leaves nothing',
    async () => {
      const machine = await OwnMachine.make();
      const demo = machine.start(process.execPath, [DEMO], { env });
      const port = await portOf(demo);
      const { code, output } = await demo.ended;
      expect(output).toMatch(/completed/);
      expect(output).toContain('The branch skein/callbacks-to-promises');
      expect(output).toMatch(/10 files changed/);
      expect(output).toContain('So I will let a depot that is gone count as empty.');
      expect(output).toContain('# Plan `callbacks-to-promises`');
      expect(output).toMatch(/verified: \d+ events, anchored at event \d+ by commit [0-9a-f]{12}/);
      expect(code).toBe(0);
      expect(await listens(port)).toBe(false);
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it(
    'halts when the agent ignores its feedback, ends with 2 and leaves nothing',
    async () => {
      const machine = await OwnMachine.make();
      const { code, output } = await machine.start(process.execPath, [DEMO, '--sabotage'], { env }).ended;
      expect(output).toMatch(/halted/);
      expect(output).toContain('all 3 attempts were rejected');
      expect(code).toBe(2);
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it(
    'stops at Ctrl-C in a terminal and leaves nothing',
    async () => {
      const machine = await OwnMachine.make();
      // util-linux' `script` gives it a terminal; what we write is typed there.
      const terminal = machine.start('script', ['-qec', 'npm run demo', '/dev/null'], { env });
      await terminal.prints(/submitted the plan/);
      await eventually(
        async () =>
          (await machine.processes()).some((line) => line.includes('bwrap') || line.includes('--test')),
        {
          timeoutMs: 60_000,
          what: 'a step runs',
        },
      );
      terminal.child.stdin?.write('\u0003');
      const { code } = await terminal.ended;
      expect(terminal.output).toContain('everything was cleaned up');
      expect(code).not.toBe(0);
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it(
    'stops when npm gets a SIGTERM and leaves nothing',
    async () => {
      const machine = await OwnMachine.make();
      const npm = machine.start('npm', ['run', 'demo'], { env });
      await npm.prints(/submitted the plan/);
      npm.child.kill('SIGTERM');
      await npm.ended;
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it(
    'leaves it to the next start to clean up after a kill -9 of the launcher',
    async () => {
      const machine = await OwnMachine.make();
      const demo = machine.start(process.execPath, [DEMO], { env });
      await demo.prints(/submitted the plan/);
      demo.child.kill('SIGKILL');
      await demo.ended;
      // Its coordinator and worker notice by themselves; its servers wait for the next start.
      await eventually(async () => !(await machine.processes()).some((line) => line.includes('dist/apps')), {
        timeoutMs: 60_000,
        what: 'coordinator and worker have ended',
      });
      const next = await machine.start(process.execPath, [DEMO], { env }).ended;
      expect(next.code).toBe(0);
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it(
    'uses a given Postgres and NATS under a name of its own, and takes only that away again',
    async () => {
      const machine = await OwnMachine.make();
      const servers = await foreignServers(machine.root);
      try {
        const before = await servers.contents();
        const given = { ...env, DATABASE_URL: servers.databaseUrl, NATS_URL: servers.natsUrl };
        const { code, output } = await machine.start(process.execPath, [DEMO], { env: given }).ended;
        expect(output).toContain('using the Postgres of DATABASE_URL');
        expect(output).toContain('using the nats-server of NATS_URL');
        expect(code).toBe(0);
        expect(await servers.contents()).toEqual(before);
      } finally {
        await servers.stop();
      }
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it(
    'keeps everything when it is asked to, for `skein up` to look at',
    async () => {
      const machine = await OwnMachine.make();
      const demo = await machine.start(process.execPath, [DEMO, '--keep'], { env }).ended;
      expect(demo.code).toBe(0);
      const [, folder] = /bin\/skein up --data-dir (\S+)/.exec(demo.output) ?? [];
      const [, planId] = /bin\/skein status (\S+)/.exec(demo.output) ?? [];
      expect(await machine.processes()).toEqual([]);
      const skein = join(PACKAGE, 'bin/skein');
      const stack = machine.start(skein, ['up', '--data-dir', folder!, '--port', '0']);
      const [, url] = await stack.prints(/^ready (http:\S+)$/m);
      const verified = await machine.start(skein, ['--url', url!, 'ledger', 'verify', planId!]).ended;
      expect(verified.output).toMatch(/anchored at seq \d+/);
      stack.child.kill('SIGTERM');
      await stack.ended;
      await rm(folder!, { recursive: true });
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it('refuses arguments that it does not know', async () => {
    const machine = await OwnMachine.make();
    const { code, output } = await machine.start(process.execPath, [DEMO, '--fast'], { env }).ended;
    expect(output).toContain('usage:');
    expect(code).toBe(1);
  });
});

describe('a plan file of one own', () => {
  it('is validated without a server, all problems at once with their places', async () => {
    const machine = await OwnMachine.make();
    const folder = join(machine.root, 'plans');
    await mkdir(folder);
    await writeFile(
      join(folder, 'plan.yaml'),
      'version: 1\nname: x\nstep: []\nsteps:\n  - name: a\n    noop: true\n    needs: [b]\n',
    );
    const skein = join(PACKAGE, 'bin/skein');
    const { code, output } = await machine.start(skein, ['plan', 'validate', 'plan.yaml'], { cwd: folder })
      .ended;
    expect(output).toMatch(/plan\.yaml:3:1: .*step/);
    expect(output).toMatch(/plan\.yaml:7:\d+: .*b/);
    expect(code).toBe(1);
  });
});
