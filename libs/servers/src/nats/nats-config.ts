/** A worker's user: its name is part of its inbox and of its control subject. */
export interface NatsUser {
  user: string;
  password: string;
  permissions: NatsPermissions | null;
}

export interface NatsPermissions {
  publish: { allow: string[]; deny: string[] };
  subscribe: { allow: string[] };
}

export interface NatsConfig {
  host: string;
  port: number;
  serverName: string;
  dir: string;
  syncInterval: string;
  users: NatsUser[];
}

const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

/**
 * What a worker may do: pull jobs and acknowledge them, ask the decider, hear it. Stream names hold a generation that
 * changes when JetStream is wiped, hence the wildcards: on a server of our own there are only our streams.
 * `command` is the operator's; a worker has no business there.
 */
export function workerPermissions(namespace: string, worker: string): NatsPermissions {
  return {
    publish: {
      allow: [
        `${namespace}.decider.*.*`,
        `${namespace}.control.who`,
        '$JS.API.CONSUMER.MSG.NEXT.*.*',
        '$JS.ACK.>',
      ],
      deny: [`${namespace}.decider.*.command`],
    },
    subscribe: {
      allow: [`${namespace}.control.announce`, `${namespace}.control.worker.${worker}`, `_INBOX_${worker}.>`],
    },
  };
}

/** The text of the configuration file. JSON strings are valid strings of the format. */
export function renderConfig(o: NatsConfig): string {
  const path = (name: string): string => JSON.stringify(`${o.dir}/${name}`);
  return [
    `listen: ${JSON.stringify(`${o.host}:${o.port}`)}`,
    `server_name: ${JSON.stringify(o.serverName)}`,
    `pid_file: ${path('nats.pid')}`,
    `log_file: ${path('nats.log')}`,
    'logfile_size_limit: 10MB',
    'logfile_max_num: 2',
    `max_payload: ${MAX_PAYLOAD_BYTES}`,
    'jetstream {',
    `  store_dir: ${path('jetstream')}`,
    `  sync_interval: ${JSON.stringify(o.syncInterval)}`,
    '}',
    'authorization {',
    '  users: [',
    ...o.users.map((user) => `    ${renderUser(user)}`),
    '  ]',
    '}',
    '',
  ].join('\n');
}

function renderUser(user: NatsUser): string {
  const fields = { user: user.user, password: user.password };
  return JSON.stringify(user.permissions === null ? fields : { ...fields, permissions: user.permissions });
}
