/**
 * `node --experimental-transform-types --conditions=skein-source test/upgrade/freeze.ts COMMIT NAME` freezes a landed
 * version into test/upgrade/NAME: its built programs, and what they left behind when all of them were killed in the
 * middle of plans. What is in there, and when to make the next one: README.md.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { findNatsServer, startNats, startPostgres } from '#servers';
import { silentLogger as log } from '#telemetry';
import { FROZEN_ROOT, REPOSITORY, type Stage } from './frozen-plans.ts';
import { rowsAsSql } from './ledger-rows.ts';
import { PastFleet } from './past-fleet.ts';
import { Programs, type Program } from './programs.ts';

const [commit, name] = process.argv.slice(2);
if (commit === undefined || name === undefined || !/^[a-z0-9-]+$/.test(name)) {
  process.stderr.write('usage: freeze.ts COMMIT NAME\n');
  process.exit(2);
}
const PACKAGE = join(import.meta.dirname, '..', '..');
const target = join(import.meta.dirname, name);
const scratch = await mkdtemp(join(tmpdir(), 'skein-freeze-'));
const archive = join(target, 'built.tar.gz');
const run = promisify(execFile);

await mkdir(target, { recursive: true });
await build();
await makeRepository();
const stages = await live();
await run('git', ['-C', REPOSITORY, 'bundle', 'create', join(target, 'repository.bundle'), '--all']);
await run('tar', ['-czf', join(target, 'jetstream.tar.gz'), '-C', join(scratch, 'nats'), 'jetstream']);
await writeFile(join(target, 'plans.json'), `${JSON.stringify(stages, null, 2)}\n`);
await rm(FROZEN_ROOT, { recursive: true });
await rm(scratch, { recursive: true });

/** From git, never from the working tree. */
async function build(): Promise<void> {
  const source = join(scratch, 'source');
  await mkdir(source);
  await run('sh', ['-c', 'git -C "$1" archive "$2" | tar -x -C "$3"', 'sh', PACKAGE, commit!, source]);
  await symlink(join(PACKAGE, 'node_modules'), join(source, 'node_modules'));
  await run('npm', ['run', 'build'], { cwd: source });
  const what = ['package.json', 'dist/apps/coordinator', 'dist/apps/worker', 'dist/libs'];
  const without = ['--exclude=*.map', '--exclude=*.d.ts', '--exclude=.tsbuildinfo'];
  await run('tar', ['-czf', archive, '-C', source, ...without, ...what]);
}

async function makeRepository(): Promise<void> {
  await rm(FROZEN_ROOT, { recursive: true, force: true });
  const work = join(scratch, 'repository');
  const git = (...args: string[]) => run('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.c', ...args]);
  await git('init', '-q', '-b', 'main', work);
  await writeFile(join(work, 'README.md'), '# Frozen\n');
  await git('-C', work, 'add', '.');
  await git('-C', work, 'commit', '-q', '-m', 'Begin');
  await git('clone', '-q', '--bare', work, REPOSITORY);
}

/** Brings a plan into each state, kills everything, and writes down what is left. */
async function live(): Promise<Record<Stage, string>> {
  const postgres = await startPostgres({ dataDir: join(scratch, 'postgres'), log, fsync: false });
  const program = await findNatsServer({ log });
  const nats = await startNats({ program, storeDir: join(scratch, 'nats'), log });
  const env = {
    DATABASE_URL: postgres.adminUrl,
    NATS_URL: nats.url,
    HOME: scratch,
    SKEIN_PORT: '0',
    SKEIN_LEASE_MS: '2s',
    SKEIN_CLAIM_TIMEOUT_MS: '2s',
    SKEIN_DATA_DIR: join(scratch, 'data'),
    SKEIN_WORKER_SLOTS: '4',
  };
  const programs = await Programs.unpack(archive, join(scratch, 'programs'));
  const coordinator = await programs.coordinator(env);
  const mortal = await programs.worker(env);
  let worker: Program | null = null;
  try {
    const fleet = new PastFleet(coordinator.url);
    const ids = {} as Record<Stage, string>;
    for (const stage of ['completed', 'halted', 'cancelled', 'poisoned'] as const) {
      ids[stage] = await fleet.submit(stage);
    }
    await fleet.until(ids.completed, ({ types }) => types.includes('plan.closed'));
    await fleet.until(ids.halted, ({ types }) => types.includes('plan.closed'));
    await fleet.until(ids.cancelled, ({ leased }) => leased.includes('hangs'));
    await fleet.post(`/v1/plans/${ids.cancelled}/cancel`, {});
    await fleet.until(ids.cancelled, ({ types }) => types.includes('plan.closed'));
    await fleet.until(
      ids.poisoned,
      ({ leased, types }) => leased.includes('pill') && types.includes('step.passed'),
    );
    await fleet.until(
      ids.poisoned,
      ({ types }) => types.filter((type) => type === 'step.passed').length === 2,
    );
    await mortal.end('SIGKILL');
    worker = await programs.worker({ ...env, SKEIN_DATA_DIR: join(scratch, 'data-2') });
    await fleet.until(ids.poisoned, ({ types }) => types.includes('plan.closed'));
    ids.leased = await fleet.submit('leased');
    await fleet.until(
      ids.leased,
      ({ types }) => types.includes('attempt.finished') && types.at(-1) !== 'lease.granted',
    );
    await fleet.until(ids.leased, ({ leased, rejected }) => leased.includes('fixing') && rejected === 1);
    await worker.end('SIGKILL');
    ids.admitted = await fleet.submit('admitted');
    await fleet.until(ids.admitted, ({ types }) => types.at(-1) === 'step.admitted');
    await coordinator.end('SIGKILL');
    await writeFile(join(target, 'ledger.sql'), await rowsAsSql(postgres.adminUrl));
    await writeFile(join(target, 'messages.json'), `${JSON.stringify(await messages(nats.url), null, 2)}\n`);
    return ids;
  } finally {
    await worker?.stop();
    await mortal.stop();
    await coordinator.stop();
    await nats.stop();
    await postgres.stop();
  }
}

/** For people to read: the store itself is kept, too. */
async function messages(url: string): Promise<object[]> {
  const { hostname, port, username, password } = new URL(url);
  const nc = await connect({ servers: `${hostname}:${port}`, user: username, pass: password });
  try {
    const jsm = await jetstreamManager(nc);
    const found: object[] = [];
    for await (const { config, state } of jsm.streams.list()) {
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const message = await jsm.streams.getMessage(config.name, { seq });
        if (!message) continue;
        const headers = Object.fromEntries([...(message.header ?? [])].map(([key, values]) => [key, values]));
        found.push({ stream: config.name, seq, subject: message.subject, headers, data: message.json() });
      }
    }
    return found;
  } finally {
    await nc.close();
  }
}
