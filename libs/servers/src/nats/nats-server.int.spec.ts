import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { silentLogger as log } from '#telemetry';
import { eventually, runs, startLauncher, startOwnNats, tempDir, testNatsProgram } from '#testing';
import { DataDirInUseError } from '../data-dir.ts';
import type { NatsProgram } from './find-nats-server.ts';
import { NatsStartError, startNats } from './nats-server.ts';

async function open(url: string, inboxPrefix?: string): Promise<NatsConnection> {
  const { host, username, password } = new URL(url);
  return connect({
    servers: host,
    user: username,
    pass: password,
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
  });
}

async function addJobs(url: string): Promise<NatsConnection> {
  const nc = await open(url);
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: 'skein-jobs-g1', subjects: ['skein.jobs.>'], retention: 'workqueue' });
  await jsm.consumers.add('skein-jobs-g1', { durable_name: 'skein-jobs-default-g1', ack_policy: 'explicit' });
  return nc;
}

/** Says what Docker says, and runs the real server where the container's would be. */
async function fakeDocker(): Promise<NatsProgram> {
  const real = testNatsProgram();
  if (real.kind === 'docker') return real;
  const docker = join(await tempDir('docker'), 'docker');
  const script = `#!/bin/bash
state=$(dirname "$0")/$(printf '%s\\n' "$@" | grep -o 'skein-nats-[0-9a-f]*')
case "$1" in
  run)
    port=$(printf '%s\\n' "$@" | sed -n 's/^127.0.0.1:\\([0-9]*\\):4222$/\\1/p')
    store=$(printf '%s\\n' "$@" | sed -n 's/:\\/skein$//p')
    sed "s#/skein/#$store/#; s#0.0.0.0:4222#127.0.0.1:$port#" "$store/nats.conf" > "$state.conf"
    ${real.path} --config "$state.conf" > /dev/null 2>&1 &
    echo $! > "$state" ;;
  inspect) cat "$state" ;;
  # The container of this moment: its successor may have the same name before the next look.
  wait) pid=$(cat "$state"); while kill -0 "$pid"; do sleep 0.1; done ;;
  stop) pid=$(cat "$state"); kill "$pid"; while kill -0 "$pid"; do sleep 0.1; done ;;
  rm) rm -f "$state" ;;
esac
`;
  await writeFile(docker, script, { mode: 0o755 });
  return { kind: 'docker', docker, image: 'nats:test' };
}

describe('our own nats-server', () => {
  it('keeps streams from one start to the next, on the same port, with large messages', async () => {
    const first = await startOwnNats();
    const nc = await addJobs(first.url);
    expect(nc.info?.max_payload).toBe(8 * 1024 * 1024);
    await jetstream(nc).publish('skein.jobs.v1.default.p.s1.1', 'work');
    await nc.close();
    await first.stop();
    expect(await runs(first.pid)).toBe(false);
    const second = await first.restart();
    expect(second.url).toBe(first.url);
    const again = await open(second.url);
    expect((await (await jetstreamManager(again)).streams.info('skein-jobs-g1')).state.messages).toBe(1);
    await again.close();
    await second.stop();
  });

  it('forgets everything when its store was wiped, and still starts', async () => {
    const server = await startOwnNats();
    await (await addJobs(server.url)).close();
    await server.kill();
    await server.wipe();
    const empty = await server.restart();
    const nc = await open(empty.url);
    expect(await (await jetstreamManager(nc)).streams.list().next()).toEqual([]);
    await nc.close();
    await empty.stop();
  });

  it('lets nobody in without its random password, which only the owner can read', async () => {
    const server = await startOwnNats({ workers: { namespace: 'skein', names: ['w1'] } });
    await expect(connect({ servers: `127.0.0.1:${server.port}` })).rejects.toThrow(/authorization/i);
    const config = join(server.storeDir, 'nats.conf');
    expect((await stat(config)).mode & 0o077).toBe(0);
    await server.stop();
  });

  it('lets a worker pull, acknowledge and ask the decider, and nothing else', async () => {
    const server = await startOwnNats({ workers: { namespace: 'skein', names: ['w1', 'w2'] } });
    const coordinator = await addJobs(server.url);
    await jetstream(coordinator).publish('skein.jobs.v1.default.p.s1.1', 'work');
    coordinator.subscribe('skein.decider.*.*', {
      callback: (_error, message) => void message.respond('applied'),
    });
    const worker = await open(server.workerUrl('w1'), '_INBOX_w1');
    const refusals: string[] = [];
    void (async () => {
      for await (const status of worker.status()) {
        if (status.type === 'error') refusals.push(status.error.message);
      }
    })();

    const inbox = '_INBOX_w1.pull.1';
    const jobs = worker.subscribe(inbox);
    worker.publish('$JS.API.CONSUMER.MSG.NEXT.skein-jobs-g1.skein-jobs-default-g1', '{"batch":1}', {
      reply: inbox,
    });
    for await (const job of jobs) {
      expect(job.string()).toBe('work');
      const acked = await worker.request(job.reply!, '+ACK');
      expect(acked.data).toHaveLength(0);
      break;
    }
    expect((await worker.request('skein.decider.3.claim', '{}')).string()).toBe('applied');
    worker.subscribe('skein.control.announce');
    worker.subscribe('skein.control.worker.w1');
    await worker.flush();
    expect(refusals).toEqual([]);

    worker.publish('skein.decider.3.command', '{}');
    worker.publish('skein.jobs.v1.default.p.s1.2', 'forged');
    worker.publish('skein.control.announce', '{}');
    worker.publish('$JS.API.STREAM.DELETE.skein-jobs-g1', '');
    worker.subscribe('skein.control.worker.w2', { callback: () => undefined });
    worker.subscribe('_INBOX_w2.>', { callback: () => undefined });
    worker.subscribe('>', { callback: () => undefined });
    await eventually(() => refusals.length >= 7, { what: `seven refusals, so far: ${refusals.join('; ')}` });
    await worker.close();
    await coordinator.close();
    await server.stop();
  });

  it('takes over from a launcher that was killed', async () => {
    const dataDir = await tempDir();
    const launcher = await startLauncher({ cacheDir: await tempDir(), dataDir });
    await (await addJobs(launcher.natsUrl)).close();
    await launcher.kill('SIGKILL');
    expect(await runs(launcher.pids[1]!)).toBe(true);
    const server = await startOwnNats({ storeDir: join(dataDir, 'nats') });
    expect(await runs(launcher.pids[1]!)).toBe(false);
    const nc = await open(server.url);
    expect((await (await jetstreamManager(nc)).streams.info('skein-jobs-g1')).config.name).toBe(
      'skein-jobs-g1',
    );
    await nc.close();
    await server.stop();
    process.kill(launcher.pids[0]!, 'SIGINT');
    await eventually(async () => !(await runs(launcher.pids[0]!)));
  });

  it('does not believe a left pid file', async () => {
    const storeDir = await tempDir();
    await writeFile(join(storeDir, 'nats.pid'), String(process.pid));
    const server = await startOwnNats({ storeDir });
    expect(await readFile(join(storeDir, 'nats.pid'), 'utf8')).toBe(String(server.pid));
    await server.stop();
  });

  it('steps over a port that is taken, and refuses a folder whose owner lives', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const server = await startOwnNats({ port });
    expect(server.port).not.toBe(port);
    await expect(startOwnNats({ storeDir: server.storeDir })).rejects.toThrow(DataDirInUseError);
    await server.stop();
    taken.close();
  });

  it('runs in a container when there is only Docker, and takes over the one that a dead owner left', async () => {
    const program = await fakeDocker();
    const storeDir = await tempDir();
    const first = await startNats({ program, storeDir, log, password: 'known' });
    const nc = await addJobs(first.url);
    // As if the owner had died: its claim is given back, its container still runs.
    const again = startNats({ program, storeDir, log });
    await expect(again).rejects.toThrow(DataDirInUseError);
    await rm(join(storeDir, 'owner.lock'));
    const second = await startNats({ program, storeDir, log });
    await first.exited;
    expect(await runs(first.pid)).toBe(false);
    await nc.close();
    await (await open(second.url)).close();
    await second.stop();
    expect(await runs(second.pid)).toBe(false);
    await first.stop();
  });

  it('can be started again, by who waited for its end', async () => {
    const server = await startOwnNats();
    const again = server.exited.then(() => startOwnNats({ storeDir: server.storeDir, port: server.port }));
    process.kill(server.pid, 'SIGKILL');
    const second = await again;
    expect(second.url).toBe(server.url);
    await second.stop();
  });

  it('gives each worker a password that tells nothing of the others', async () => {
    const server = await startOwnNats({
      workers: { namespace: 'skein', names: ['w1', 'w2'], password: 'secret' },
    });
    const [first, second] = ['w1', 'w2'].map((name) => new URL(server.workerUrl(name)).password);
    expect(first).not.toBe(second);
    const restarted = await server.stop().then(() => server.restart());
    expect(restarted.workerUrl('w1')).toBe(server.workerUrl('w1'));
    await restarted.stop();
  });

  it('says why it did not start', async () => {
    const failure = startOwnNats({ syncInterval: 'sometimes' });
    await expect(failure).rejects.toThrow(NatsStartError);
    await expect(failure).rejects.toThrow(/sync_interval|duration/);
  });
});
