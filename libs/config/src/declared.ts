import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  addressedNumbers,
  bytes,
  duration,
  folder,
  folders,
  line,
  loopbackHost,
  namedNumbers,
  nameList,
  natsUrls,
  oneOf,
  poolCaps,
  schemaName,
  shortName,
  url,
  wholeNumber,
  workerName,
  yesOrNo,
} from './kinds.ts';
import { type Environment, given, optional, setting } from './setting.ts';
import { sinkList } from './sinks.ts';

const MB = 1_024 ** 2;
const GB = 1_024 ** 3;
const DAY_MS = 86_400_000;
const TENANT_OR_ALL = /^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;
/** A heartbeat takes no more (libs/contracts): a worker with more would never be heard. */
const WORKER_POOLS_MAX = 32;
const POOLS = nameList(
  'pool names of lower-case letters, digits and dashes',
  /^[a-z0-9-]{1,32}$/,
  WORKER_POOLS_MAX,
);

/** Everything that can be set, by the part that reads it. Nothing else reads the environment. */
export const declared = {
  ledger: {
    databaseUrl: optional(url('postgres', 'postgresql'), {
      env: 'DATABASE_URL',
      meaning:
        'Postgres that holds the ledger, with a role that may create schemas and roles. Not set: `skein up` starts its own in the data folder.',
      secret: true,
    }),
    schema: setting(schemaName, {
      env: 'SKEIN_SCHEMA',
      default: 'skein',
      meaning: 'Schema of our tables. Fleets that share a database need different ones.',
    }),
    poolSize: setting(wholeNumber(2, 200), {
      env: 'SKEIN_DATABASE_CONNECTIONS',
      default: 10,
      meaning: 'Connections to Postgres per coordinator.',
    }),
  },
  bus: {
    natsUrl: optional(natsUrls, {
      env: 'NATS_URL',
      meaning:
        'NATS server with JetStream, 2.12 or newer. Not set: `skein up` starts its own. With commas between: several servers of one cluster.',
      secret: true,
    }),
    namespace: setting(shortName, {
      env: 'SKEIN_NAMESPACE',
      default: 'skein',
      meaning:
        'Start of every subject, stream and consumer name. Fleets that share a server need different ones.',
    }),
  },
  rest: {
    url: setting(url('http', 'https'), {
      env: 'SKEIN_URL',
      default: 'http://127.0.0.1:7070',
      meaning: 'Coordinator that the commands talk to.',
    }),
    host: setting(loopbackHost, {
      env: 'SKEIN_HOST',
      default: '127.0.0.1',
      meaning: 'Address that the coordinator listens on. Loopback only: there is no login yet.',
    }),
    port: setting(wholeNumber(0, 65_535), {
      env: 'SKEIN_PORT',
      default: 7070,
      meaning: 'Port that the coordinator listens on; 0 takes any free one.',
    }),
    streamsMax: setting(wholeNumber(1, 100_000), {
      env: 'SKEIN_STREAMS_MAX',
      default: 500,
      meaning: 'Event streams that a coordinator keeps open at once; more are told to come back.',
    }),
  },
  dirs: {
    data: setting(folder, {
      env: 'SKEIN_DATA_DIR',
      default: dataDir,
      defaultText: '~/.local/share/skein',
      meaning: 'What `skein up` keeps: the ledger, artifacts. Deleting it forgets every plan.',
    }),
    cache: setting(folder, {
      env: 'SKEIN_CACHE_DIR',
      default: (env) => join(given(env, 'XDG_CACHE_HOME') ?? join(home(env), '.cache'), 'skein'),
      defaultText: '~/.cache/skein',
      meaning: 'What can be fetched or built again, such as our build of nats-server.',
    }),
    work: setting(folder, {
      env: 'SKEIN_WORK_DIR',
      default: (env) => join(dataDir(env), 'work'),
      defaultText: '<data folder>/work',
      meaning: "A worker's mirrors and scratch worktrees. Disposable.",
    }),
    artifacts: setting(folder, {
      env: 'SKEIN_ARTIFACTS_DIR',
      default: (env) => join(dataDir(env), 'artifacts'),
      defaultText: '<data folder>/artifacts',
      meaning: 'Logs and diffs of attempts. Coordinator and workers must see the same folder.',
    }),
  },
  decider: {
    leaseMs: setting(duration(1_000, 3_600_000), {
      env: 'SKEIN_LEASE_MS',
      default: 15_000,
      meaning: 'A lease that is not renewed for this long is lost.',
    }),
    claimTimeoutMs: setting(duration(500, 3_600_000), {
      env: 'SKEIN_CLAIM_TIMEOUT_MS',
      default: 10_000,
      meaning: 'A job that a worker took but did not claim for this long is issued anew.',
    }),
    termMs: setting(duration(500, 60_000), {
      env: 'SKEIN_DECIDER_TTL_MS',
      default: 3_000,
      meaning: 'A decider that does not renew its term for this long is deposed by a standby.',
    }),
    maxInFlight: setting(wholeNumber(1, 100_000), {
      env: 'SKEIN_MAX_IN_FLIGHT',
      default: 256,
      meaning: 'Steps in flight at once in the whole fleet.',
    }),
    poolCaps: setting(poolCaps, {
      env: 'SKEIN_POOL_CAPS',
      default: {},
      defaultText: 'no caps',
      meaning:
        'Steps in flight at once per pool, such as `heavy=2,default=64`. A pool without a cap has only that of the fleet.',
    }),
    tenants: setting(nameList('tenant names, or * for any', /^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/), {
      env: 'SKEIN_TENANTS',
      default: ['local'],
      meaning:
        'Tenants that plans may be submitted for; `*`: any. There is no login yet: whoever reaches the coordinator may submit for each of them.',
    }),
    tenantCaps: setting(
      namedNumbers('tenants with their caps, such as acme=20,*=50', {
        name: TENANT_OR_ALL,
        from: 0,
        to: 1_000_000,
      }),
      {
        env: 'SKEIN_TENANT_CAPS',
        default: {},
        defaultText: 'no caps',
        meaning:
          'Steps in flight at once per tenant, over all its plans. `*`: each tenant that is not named. Can be changed while the fleet runs (`skein limits`).',
      },
    ),
    tenantWeights: setting(
      namedNumbers('tenants with their weights, such as acme=3', {
        name: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
        from: 1,
        to: 1_000,
      }),
      {
        env: 'SKEIN_TENANT_WEIGHTS',
        default: {},
        defaultText: 'all equal',
        meaning:
          'Shares of the tenants in a pool that has not enough for all: one of a weight of 3 gets three turns for one of others. Can be changed while the fleet runs.',
      },
    ),
    repositoryCaps: setting(
      addressedNumbers(
        'addresses of repositories as plans may have them (absolute, without a password or token) with their caps, such as https://example.org/r.git=4',
        { from: 0, to: 1_000_000 },
      ),
      {
        env: 'SKEIN_REPOSITORY_CAPS',
        default: {},
        defaultText: 'no caps',
        meaning:
          'Steps in flight at once per repository, by its address as plans have it, with spaces between. `*`: each that is not named. Can be changed while the fleet runs.',
      },
    ),
    lockCounts: setting(
      namedNumbers('names of locks with their counts, such as staging=2', {
        name: /^[a-z0-9][a-z0-9._/-]{0,63}$/,
        from: 0,
        to: 1_000_000,
      }),
      {
        env: 'SKEIN_LOCKS',
        default: {},
        defaultText: 'each lock has one holder',
        meaning:
          'Steps of a tenant that may hold a lock at once, for locks that no plan declares for itself. Can be changed while the fleet runs.',
      },
    ),
    tenantOpenSteps: setting(wholeNumber(1, 100_000_000), {
      env: 'SKEIN_TENANT_OPEN_STEPS',
      default: 200_000,
      meaning:
        'Steps that have not ended, of all plans of a tenant together. A plan that would be too much is refused (429) until some have.',
    }),
    trustedTenants: setting(nameList('tenant names', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), {
      env: 'SKEIN_TRUSTED_TENANTS',
      default: ['local'],
      meaning: 'Tenants whose plans may run on a worker where no sandbox works (`sandbox: auto`).',
    }),
  },
  paging: {
    sinks: setting(sinkList, {
      env: 'SKEIN_SINKS',
      default: [],
      defaultText: 'nobody is paged',
      meaning:
        'Who is paged when a plan needs somebody: a JSON list of signed webhooks, Slack-compatible webhooks and PagerDuty services (docs/paging.md). Only coordinators read it.',
      secret: true,
    }),
    timeoutMs: setting(duration(100, 60_000), {
      env: 'SKEIN_SINK_TIMEOUT_MS',
      default: 10_000,
      meaning: 'A sink that has not answered after this long is tried again later.',
    }),
    linkUrl: optional(url('http', 'https'), {
      env: 'SKEIN_LINK_URL',
      meaning:
        'Address under which people reach the coordinator: the beginning of the links in pages. Not set: pages have none.',
    }),
  },
  worker: {
    id: optional(workerName, {
      env: 'SKEIN_WORKER_ID',
      meaning:
        'Name of this worker, unique in the fleet. Not set: made of host name, process id and a random part.',
    }),
    pools: setting(POOLS, {
      env: 'SKEIN_WORKER_POOLS',
      default: ['default'],
      meaning: 'Pools that this worker takes jobs from.',
    }),
    slots: setting(wholeNumber(1, 4_096), {
      env: 'SKEIN_WORKER_SLOTS',
      default: 4,
      meaning: 'Jobs that this worker runs at once.',
    }),
    drainGraceMs: setting(duration(0, DAY_MS), {
      env: 'SKEIN_DRAIN_GRACE_MS',
      default: 10_000,
      meaning: 'After SIGTERM running jobs may finish for this long; then they are handed back.',
    }),
  },
  sandbox: {
    mode: setting(oneOf('auto', 'required'), {
      env: 'SKEIN_SANDBOX',
      default: 'auto',
      meaning:
        'auto: bubblewrap where it works; without it only plans of trusted tenants run, with a warning. required: refuse without it, whatever the plan says.',
    }),
    readable: setting(folders, {
      env: 'SKEIN_STEP_READABLE',
      default: [],
      meaning: 'Folders outside the worktree that steps may read, besides the system and the PATH.',
    }),
    writable: setting(folders, {
      env: 'SKEIN_STEP_WRITABLE',
      default: [],
      meaning:
        'Folders outside the worktree that steps may write, such as a package cache. Shared by all plans.',
    }),
    outputBytes: setting(bytes(64 * 1_024, 16 * GB), {
      env: 'SKEIN_STEP_OUTPUT_BYTES',
      default: 64 * MB,
      defaultText: '64MB',
      meaning: 'A program of a step that prints more is stopped.',
    }),
    memoryBytes: setting(bytes(64 * MB, 1_024 * GB), {
      env: 'SKEIN_STEP_MEMORY_BYTES',
      default: 4 * GB,
      defaultText: '4GB',
      meaning: 'A step whose processes together hold more memory is stopped.',
    }),
    diskBytes: setting(bytes(16 * MB, 1_024 * GB), {
      env: 'SKEIN_STEP_DISK_BYTES',
      default: 4 * GB,
      defaultText: '4GB',
      meaning: 'A step that writes more to its worktree and temporary folder is stopped.',
    }),
    processes: setting(wholeNumber(8, 65_536), {
      env: 'SKEIN_STEP_PROCESSES',
      default: 512,
      meaning: 'Processes that a step may have at once.',
    }),
  },
  plans: {
    maxSteps: setting(wholeNumber(1, 100_000), {
      env: 'SKEIN_PLAN_MAX_STEPS',
      default: 100_000,
      meaning: 'Steps of one plan after matrix expansion; a larger one is refused.',
    }),
    maxBytes: setting(bytes(1_024, 64 * MB), {
      env: 'SKEIN_PLAN_MAX_BYTES',
      default: 8 * MB,
      defaultText: '8MB',
      meaning: 'Size of a plan text; a larger one is refused.',
    }),
  },
  git: {
    allowedSchemes: setting(nameList('of file, https, http, ssh, git', /^(file|https|http|ssh|git)$/), {
      env: 'SKEIN_REPO_SCHEMES',
      default: ['file', 'https', 'ssh'],
      meaning:
        'How repositories may be reached. `file` stands for local folders too, `ssh` for user@host:path.',
    }),
    allowedHosts: setting(
      nameList('host names (*.example.org for all below, * for all)', /^(\*|(\*\.)?[A-Za-z0-9._-]+(:\d+)?)$/),
      {
        env: 'SKEIN_REPO_HOSTS',
        default: ['*'],
        meaning: 'Hosts that repositories may be on.',
      },
    ),
    username: setting(line, {
      env: 'SKEIN_GIT_USERNAME',
      default: 'x-access-token',
      meaning: 'User name that goes with the token.',
    }),
    token: optional(line, {
      env: 'SKEIN_GIT_TOKEN',
      meaning: 'Token for private repositories over https. Only the worker reads it; steps never see it.',
      secret: true,
    }),
    sshKeyFile: optional(folder, {
      env: 'SKEIN_GIT_SSH_KEY',
      meaning: 'File of the SSH private key for private repositories. Only the worker reads it.',
    }),
    sshKnownHostsFile: optional(folder, {
      env: 'SKEIN_GIT_SSH_KNOWN_HOSTS',
      meaning: 'known_hosts file that SSH hosts are checked against.',
    }),
    credentialHelper: optional(line, {
      env: 'SKEIN_GIT_CREDENTIAL_HELPER',
      meaning:
        "Git credential helper, as git's `credential.helper` takes it. Only the worker's own git runs it.",
    }),
  },
  log: {
    level: setting(oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'), {
      env: 'SKEIN_LOG_LEVEL',
      default: 'info',
      meaning: 'The least severe lines that are written.',
    }),
    pretty: setting(yesOrNo, {
      env: 'SKEIN_LOG_PRETTY',
      default: false,
      meaning: 'Lines for people instead of JSON.',
    }),
  },
  telemetry: {
    metricsPort: optional(wholeNumber(0, 65_535), {
      env: 'SKEIN_METRICS_PORT',
      meaning:
        'Port of the loopback interface at which a worker serves `/metrics`; 0 takes any free one and logs it. With `skein up` the second worker takes the next port, and so on. Not set: a worker serves none. A coordinator serves its own beside its REST.',
    }),
    otlpEndpoint: optional(url('http', 'https'), {
      env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
      meaning: 'Base address of an OTLP/HTTP collector that gets the traces. Not set: none are recorded.',
    }),
    serviceName: optional(line, {
      env: 'OTEL_SERVICE_NAME',
      meaning: 'Service name in traces. Not set: `skein-coordinator`, `skein-worker`, `skein-cli`.',
    }),
  },
} as const;

/** Steps inherit only these two (read by `stepEnvironment`). */
export const stepPath = optional(folders, {
  env: 'SKEIN_STEP_PATH',
  meaning: 'PATH of the programs that steps run. Not set: the PATH of the worker, without relative entries.',
});

function dataDir(env: Environment): string {
  return (
    given(env, 'SKEIN_DATA_DIR') ??
    join(given(env, 'XDG_DATA_HOME') ?? join(home(env), '.local/share'), 'skein')
  );
}

function home(env: Environment): string {
  return given(env, 'HOME') ?? homedir();
}
