import { describeSettings, showSettings, unknownSettings } from './description.ts';
import { SettingsError } from './settings-error.ts';
import { loadSettings } from './settings.ts';
import { stepEnvironment } from './step-environment.ts';

const HOME = { HOME: '/home/ada' };

function problemsOf(env: Record<string, string>): SettingsError {
  try {
    loadSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error('these settings were taken');
}

describe('settings', () => {
  it('have a value for everything in an empty environment', () => {
    expect(loadSettings(HOME)).toEqual({
      ledger: { databaseUrl: null, schema: 'skein', poolSize: 10 },
      bus: { natsUrl: null, namespace: 'skein' },
      rest: { url: 'http://127.0.0.1:7070', host: '127.0.0.1', port: 7070, streamsMax: 500 },
      dirs: {
        data: '/home/ada/.local/share/skein',
        cache: '/home/ada/.cache/skein',
        work: '/home/ada/.local/share/skein/work',
        artifacts: '/home/ada/.local/share/skein/artifacts',
      },
      decider: {
        leaseMs: 15_000,
        claimTimeoutMs: 10_000,
        termMs: 3_000,
        maxInFlight: 256,
        poolCaps: {},
        tenants: ['local'],
        tenantCaps: {},
        tenantWeights: {},
        repositoryCaps: {},
        lockCounts: {},
        tenantOpenSteps: 200_000,
        trustedTenants: ['local'],
      },
      paging: { sinks: [], timeoutMs: 10_000, linkUrl: null },
      worker: { id: null, pools: ['default'], slots: 4, drainGraceMs: 10_000 },
      sandbox: {
        mode: 'auto',
        readable: [],
        writable: [],
        outputBytes: 67_108_864,
        memoryBytes: 4_294_967_296,
        diskBytes: 4_294_967_296,
        processes: 512,
      },
      plans: { maxSteps: 100_000, maxBytes: 8_388_608 },
      git: {
        allowedSchemes: ['file', 'https', 'ssh'],
        allowedHosts: ['*'],
        username: 'x-access-token',
        token: null,
        sshKeyFile: null,
        sshKnownHostsFile: null,
        credentialHelper: null,
      },
      log: { level: 'info', pretty: false },
      telemetry: { metricsPort: null, otlpEndpoint: null, serviceName: null },
    });
  });

  it('put what depends on the data folder below the one that was given', () => {
    const { dirs } = loadSettings({ ...HOME, SKEIN_DATA_DIR: '/srv/skein' });
    expect(dirs).toMatchObject({
      data: '/srv/skein',
      work: '/srv/skein/work',
      artifacts: '/srv/skein/artifacts',
    });
  });

  it('treat a variable that is set to nothing as not set', () => {
    expect(loadSettings({ ...HOME, SKEIN_PORT: '', NATS_URL: ' ' })).toMatchObject({
      rest: { port: 7070 },
      bus: { natsUrl: null },
    });
  });

  it.each([
    ['SKEIN_LEASE_MS', '20000', { decider: { leaseMs: 20_000 } }],
    ['SKEIN_LEASE_MS', '20s', { decider: { leaseMs: 20_000 } }],
    ['SKEIN_DRAIN_GRACE_MS', '5m', { worker: { drainGraceMs: 300_000 } }],
    ['SKEIN_STEP_OUTPUT_BYTES', '1GB', { sandbox: { outputBytes: 1_073_741_824 } }],
    ['SKEIN_TENANTS', 'acme, *', { decider: { tenants: ['acme', '*'] } }],
    ['SKEIN_TENANT_CAPS', 'acme=20, *=5', { decider: { tenantCaps: { acme: 20, '*': 5 } } }],
    ['SKEIN_TENANT_WEIGHTS', 'acme=3', { decider: { tenantWeights: { acme: 3 } } }],
    [
      'SKEIN_REPOSITORY_CAPS',
      'https://x.org/r?a=b,c=2 *=9',
      { decider: { repositoryCaps: { 'https://x.org/r?a=b,c': 2, '*': 9 } } },
    ],
    [
      'SKEIN_REPOSITORY_CAPS',
      '/srv/my repo=2  git@h:team/r.git=0\n/srv/a=b c=4',
      { decider: { repositoryCaps: { '/srv/my repo': 2, 'git@h:team/r.git': 0, '/srv/a=b c': 4 } } },
    ],
    ['SKEIN_LOCKS', 'staging=2,db/eu=0', { decider: { lockCounts: { staging: 2, 'db/eu': 0 } } }],
    ['SKEIN_POOL_CAPS', 'heavy=2, default=64', { decider: { poolCaps: { heavy: 2, default: 64 } } }],
    ['SKEIN_WORKER_POOLS', 'default,heavy,heavy', { worker: { pools: ['default', 'heavy'] } }],
    ['SKEIN_STEP_WRITABLE', '/a:/b/c', { sandbox: { writable: ['/a', '/b/c'] } }],
    ['SKEIN_LOG_PRETTY', 'yes', { log: { pretty: true } }],
    [
      'SKEIN_REPO_HOSTS',
      'github.com,*.example.org',
      { git: { allowedHosts: ['github.com', '*.example.org'] } },
    ],
    [
      'NATS_URL',
      'nats://u:p@a:4222,nats://u:p@b:4222',
      { bus: { natsUrl: 'nats://u:p@a:4222,nats://u:p@b:4222' } },
    ],
    ['DATABASE_URL', 'postgresql://u:p@h/db', { ledger: { databaseUrl: 'postgresql://u:p@h/db' } }],
  ])('read %s=%s', (env, text, expected) => {
    expect(loadSettings({ ...HOME, [env]: text })).toMatchObject(expected);
  });

  it.each([
    ['SKEIN_PORT', '70700', 'a whole number from 0 to 65535'],
    ['SKEIN_PORT', '7070x', 'a whole number from 0 to 65535'],
    ['SKEIN_LEASE_MS', '1 fortnight', 'a duration such as 500ms, 30s, 10m or 2h'],
    ['SKEIN_LEASE_MS', '10ms', 'from 1000 ms'],
    ['SKEIN_HOST', '0.0.0.0', 'a loopback address'],
    ['SKEIN_NAMESPACE', 'a.b', 'a name of up to 32'],
    ['SKEIN_SCHEMA', 'pg_mine', 'a Postgres schema name'],
    ['SKEIN_DATA_DIR', 'relative', 'an absolute path'],
    ['SKEIN_STEP_READABLE', '/a:b', 'absolute paths'],
    ['SKEIN_SANDBOX', 'off', 'one of auto, required'],
    ['SKEIN_POOL_CAPS', 'heavy', 'pools with their caps'],
    ['SKEIN_TENANT_CAPS', 'acme=1000001', 'tenants with their caps'],
    ['SKEIN_TENANT_CAPS', 'acme', 'tenants with their caps'],
    ['SKEIN_TENANT_WEIGHTS', 'acme=0', 'tenants with their weights'],
    ['SKEIN_TENANT_WEIGHTS', '*=2', 'tenants with their weights'],
    ['SKEIN_LOCKS', 'Staging=2', 'names of locks'],
    ['SKEIN_REPOSITORY_CAPS', 'https://x.org/r', 'addresses of repositories'],
    ['SKEIN_REPOSITORY_CAPS', 'https://x.org/r https://x.org/s=2', 'addresses of repositories'],
    ['SKEIN_REPOSITORY_CAPS', './r=2', 'absolute'],
    ['SKEIN_REPOSITORY_CAPS', '/srv/r=1000001', 'from 0 to 1000000'],
    ['SKEIN_REPOSITORY_CAPS', 'https://token@x.org/r=2', 'without a password or token'],
    ['SKEIN_WORKER_POOLS', 'a b', 'pool names'],
    ['SKEIN_WORKER_POOLS', Array.from({ length: 33 }, (_, n) => `pool-${n}`).join(), 'at most 32'],
    ['SKEIN_REPO_SCHEMES', 'ext', 'of file, https'],
    ['SKEIN_LOG_PRETTY', 'maybe', 'true or false'],
    ['NATS_URL', 'localhost:4222', 'a URL such as nats://'],
    ['DATABASE_URL', 'mysql://h/db', 'a URL that starts with postgres://'],
    ['SKEIN_STEP_MEMORY_BYTES', '1KB', 'a size such as 64KB'],
    ['SKEIN_STEP_PATH', 'bin', 'absolute paths'],
  ])('refuse %s=%s and say what was expected', (env, text, expected) => {
    const error = problemsOf({ ...HOME, [env]: text });
    expect(error.problems).toHaveLength(1);
    expect(error.message).toContain(`${env} is `);
    expect(error.message).toContain(expected);
  });

  it('report everything that is wrong at once', () => {
    const error = problemsOf({ SKEIN_PORT: 'x', SKEIN_HOST: 'example.org', SKEIN_WORKER_SLOTS: '-1' });
    expect(error.problems.map((problem) => problem.env)).toEqual([
      'SKEIN_HOST',
      'SKEIN_PORT',
      'SKEIN_WORKER_SLOTS',
    ]);
  });

  it('never print a secret, not even a wrong one', () => {
    const env = {
      ...HOME,
      DATABASE_URL: 'mysql://ada:hunter2@h/db',
      SKEIN_GIT_TOKEN: 'hunter2\nx',
      SKEIN_REPOSITORY_CAPS: '/srv/r=1 https://ada:hunter2@h/r=2 https://hunter2@h/r=2',
    };
    expect(problemsOf(env).problems).toHaveLength(3);
    expect(problemsOf(env).message).not.toContain('hunter2');
    const shown = showSettings({ ...HOME, NATS_URL: 'nats://u:hunter2@h', SKEIN_GIT_TOKEN: 'hunter2' });
    expect(JSON.stringify(shown)).not.toContain('hunter2');
    expect(shown.find((one) => one.env === 'SKEIN_GIT_TOKEN')).toMatchObject({
      value: '(set)',
      from: 'environment',
    });
  });

  it('are all described, each under its own variable', () => {
    const described = describeSettings();
    expect(new Set(described.map((one) => one.env)).size).toBe(described.length);
    for (const one of described) {
      expect(one.meaning).toMatch(/\.$/);
      expect(one.default).not.toBe('');
    }
  });

  it('point at a variable with a typing mistake', () => {
    expect(unknownSettings({ SKEIN_LEESE_MS: '1', SKEIN_PORT: '1', PATH: '/bin' })).toEqual([
      { env: 'SKEIN_LEESE_MS', suggestion: 'SKEIN_LEASE_MS' },
    ]);
  });
});

describe('the environment of steps', () => {
  it('holds PATH and LANG and nothing else of ours', () => {
    expect(stepEnvironment({ PATH: '/usr/bin', SKEIN_GIT_TOKEN: 'x', LANG: 'de_DE.UTF-8' })).toEqual({
      PATH: '/usr/bin',
      LANG: 'de_DE.UTF-8',
    });
  });

  it('looks nothing up in the worktree: relative and empty entries of PATH are gone', () => {
    expect(stepEnvironment({ PATH: ':/usr/bin::bin:./node_modules/.bin:/bin' }).PATH).toBe('/usr/bin:/bin');
    expect(stepEnvironment({ PATH: '.' }).PATH).toBe('/usr/local/bin:/usr/bin:/bin');
  });

  it('takes the PATH that is set for steps', () => {
    expect(stepEnvironment({ PATH: '/usr/bin', SKEIN_STEP_PATH: '/opt/node/bin:/bin' }).PATH).toBe(
      '/opt/node/bin:/bin',
    );
  });
});
