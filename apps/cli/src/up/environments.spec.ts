import type { DataDir } from './data-dir.ts';
import { coordinatorEnvironment, workerEnvironment } from './environments.ts';

/** What a person may have set before `skein up`: the children inherit it, but not all of it each. */
const BASE = {
  PATH: '/usr/bin',
  SKEIN_LOG_LEVEL: 'debug',
  SKEIN_SCHEMA: 'theirs',
  DATABASE_URL: 'postgres://admin:inherited@db/skein',
  SKEIN_SINKS: '[{"name":"pager"}]',
  SKEIN_GIT_TOKEN: 'tok',
  SKEIN_GIT_USERNAME: 'bot',
  SKEIN_GIT_SSH_KEY: '/keys/id',
  SKEIN_GIT_SSH_KNOWN_HOSTS: '/keys/known_hosts',
  SKEIN_GIT_CREDENTIAL_HELPER: 'store',
  SKEIN_REPO_HOSTS: 'github.com',
};

const dataDir = { path: '/data', artifacts: () => '/data/artifacts', work: () => '/data/work' } as DataDir;

describe('the environments of what `skein up` starts', () => {
  const shared = (base: Record<string, string>) => ({ base, namespace: 'fleet1', dataDir });
  const coordinator = (base: Record<string, string>) =>
    coordinatorEnvironment({
      ...shared(base),
      natsUrl: 'nats://coordinator@nats',
      port: 7411,
      databaseUrl: 'postgres://runtime:ours@db/skein',
    });
  const worker = (base: Record<string, string>, index = 0) =>
    workerEnvironment({ ...shared(base), natsUrl: 'nats://worker@nats', name: 'w1', index, slots: 2 });

  it('the coordinator gets the database, and none of the credentials for repositories', () => {
    const environment = coordinator(BASE);
    expect(Object.keys(environment).filter((name) => name.startsWith('SKEIN_GIT_'))).toEqual([]);
    expect(environment).toEqual({
      PATH: '/usr/bin',
      SKEIN_LOG_LEVEL: 'debug',
      SKEIN_REPO_HOSTS: 'github.com',
      SKEIN_SINKS: '[{"name":"pager"}]',
      NATS_URL: 'nats://coordinator@nats',
      SKEIN_NAMESPACE: 'fleet1',
      SKEIN_DATA_DIR: '/data',
      SKEIN_ARTIFACTS_DIR: '/data/artifacts',
      SKEIN_PORT: '7411',
      SKEIN_SCHEMA: 'theirs',
      DATABASE_URL: 'postgres://runtime:ours@db/skein',
    });
    expect(coordinator({})['SKEIN_SCHEMA']).toBe('fleet1');
  });

  it('a worker gets the credentials for repositories, and nothing of the database or of who is paged', () => {
    const environment = worker(BASE);
    expect(environment).not.toHaveProperty('DATABASE_URL');
    expect(environment).not.toHaveProperty('SKEIN_SCHEMA');
    expect(JSON.stringify(environment)).not.toContain('postgres:');
    expect(environment).toEqual({
      PATH: '/usr/bin',
      SKEIN_LOG_LEVEL: 'debug',
      SKEIN_GIT_TOKEN: 'tok',
      SKEIN_GIT_USERNAME: 'bot',
      SKEIN_GIT_SSH_KEY: '/keys/id',
      SKEIN_GIT_SSH_KNOWN_HOSTS: '/keys/known_hosts',
      SKEIN_GIT_CREDENTIAL_HELPER: 'store',
      SKEIN_REPO_HOSTS: 'github.com',
      NATS_URL: 'nats://worker@nats',
      SKEIN_NAMESPACE: 'fleet1',
      SKEIN_DATA_DIR: '/data',
      SKEIN_ARTIFACTS_DIR: '/data/artifacts',
      SKEIN_WORKER_ID: 'w1',
      SKEIN_WORKER_SLOTS: '2',
      SKEIN_WORK_DIR: '/data/work',
    });
  });

  it('each worker serves its metrics at a port of its own, if at any', () => {
    const ports = (given: string | undefined) =>
      [0, 1, 2].map((index) => {
        const environment = worker(given === undefined ? {} : { SKEIN_METRICS_PORT: given }, index);
        return environment['SKEIN_METRICS_PORT'];
      });
    expect(ports('9465')).toEqual(['9465', '9466', '9467']);
    expect(ports('0')).toEqual(['0', '0', '0']);
    expect(ports(undefined)).toEqual([undefined, undefined, undefined]);
  });

  it('what the launcher decides beats what was set before, except for the folders', () => {
    const before = {
      NATS_URL: 'nats://admin@nats',
      SKEIN_NAMESPACE: 'other',
      SKEIN_ARTIFACTS_DIR: '/big/artifacts',
      SKEIN_WORK_DIR: '/fast/work',
    };
    expect(worker(before)).toMatchObject({
      NATS_URL: 'nats://worker@nats',
      SKEIN_NAMESPACE: 'fleet1',
      SKEIN_ARTIFACTS_DIR: '/big/artifacts',
      SKEIN_WORK_DIR: '/fast/work',
    });
    expect(coordinator(before)).toMatchObject({
      NATS_URL: 'nats://coordinator@nats',
      SKEIN_NAMESPACE: 'fleet1',
    });
  });
});
