import { createHmac } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Logger } from '#telemetry';
import { claimDir, type ClaimedDir } from '../data-dir.ts';
import { freePort, LOOPBACK } from '../free-port.ts';
import { findByArgument, stopProcess, type StopStage } from '../processes.ts';
import { randomPassword } from '../random.ts';
import { ServerProcess, ServerWontStopError, type Exit } from '../server-process.ts';
import { CONTAINER_DIR, CONTAINER_PORT, containerEnd, removeContainer, runContainer } from './docker.ts';
import type { NatsProgram } from './find-nats-server.ts';
import { renderConfig, workerPermissions, type NatsUser } from './nats-config.ts';

export interface NatsOptions {
  program: NatsProgram;
  /** A folder of ours; made if missing. JetStream's files are in `jetstream` below it. */
  storeDir: string;
  log: Logger;
  /** Tried first; another is taken when it is in use. */
  port?: number;
  /** Of the coordinator's user. Default: random. */
  password?: string;
  /** Users for these workers, with the least that they need. Their passwords derive from one (default: random). */
  workers?: { namespace: string; names: string[]; password?: string };
  /** How often acknowledged messages are written through to the disk. JetStream is disposable: default 2 s. */
  syncInterval?: string;
}

export interface NatsServer {
  /** With user and password; may do everything. The coordinator's. */
  url: string;
  port: number;
  pid: number;
  /** The folder it was started on: absolute, without symbolic links. */
  storeDir: string;
  /** When it runs in one. */
  container: { docker: string } | null;
  /** For a worker of `workers`: with its own user. Its inbox prefix must be `_INBOX_<name>`. */
  workerUrl(name: string): string;
  /** Resolves when the server has ended, whatever the reason; it can be started on its folder again. */
  exited: Promise<Exit>;
  stop(): Promise<void>;
}

export const NATS_STOP: StopStage[] = [
  { signal: 'SIGTERM', graceMs: 10_000 },
  { signal: 'SIGKILL', graceMs: 5_000 },
];

const COORDINATOR = 'coordinator';
const START_TRIES = 5;
const READY_TIMEOUT_MS = 30_000;

/** Starts nats-server with JetStream on loopback; what a dead owner left running on the folder is stopped first. */
export async function startNats(o: NatsOptions): Promise<NatsServer> {
  const claim = await claimDir(o.storeDir);
  try {
    await takeOver(claim.path, o);
    const users = usersOf(o);
    const { running, port } = await startOnFreePort(claim.path, users, o);
    o.log.debug({ serverPid: running.pid, port, storeDir: claim.path }, 'nats-server runs');
    return serverOf(claim, users, running, port, o.program);
  } catch (error) {
    await claim.release();
    throw error;
  }
}

/** What is the same for a process and a container. */
interface Running {
  pid: number;
  hasExited: () => boolean;
  exited: Promise<Exit>;
  output: () => Promise<string>;
  stop: () => Promise<boolean>;
}

function serverOf(
  claim: ClaimedDir,
  users: NatsUser[],
  running: Running,
  port: number,
  program: NatsProgram,
): NatsServer {
  // Whatever ended it: the folder is free again before anybody is told.
  const exited = running.exited.then(async (exit) => {
    await claim.release();
    return exit;
  });
  const urlOf = (name: string): string => {
    const user = users.find((candidate) => candidate.user === name);
    if (user === undefined) throw new RangeError(`nats-server has no user ${name}`);
    return `nats://${user.user}:${encodeURIComponent(user.password)}@${LOOPBACK}:${port}`;
  };
  return {
    url: urlOf(COORDINATOR),
    port,
    pid: running.pid,
    storeDir: claim.path,
    container: program.kind === 'docker' ? { docker: program.docker } : null,
    workerUrl: (name) => urlOf(workerUser(name)),
    exited,
    stop: async () => {
      if (!(await running.stop())) throw new ServerWontStopError('nats-server', running.pid);
      await exited;
    },
  };
}

function usersOf(o: NatsOptions): NatsUser[] {
  const coordinator = { user: COORDINATOR, password: o.password ?? randomPassword(), permissions: null };
  const secret = o.workers?.password ?? randomPassword();
  const workers = o.workers?.names.map((name) => ({
    user: workerUser(name),
    password: passwordOf(name, secret),
    permissions: workerPermissions(o.workers!.namespace, name),
  }));
  return [coordinator, ...(workers ?? [])];
}

/** One worker's password must not tell another's. */
function passwordOf(worker: string, secret: string): string {
  return createHmac('sha256', secret).update(worker).digest('hex').slice(0, 48);
}

function workerUser(name: string): string {
  return `worker-${name}`;
}

async function takeOver(storeDir: string, o: NatsOptions): Promise<void> {
  for (const orphan of await findByArgument('nats-server', configPath(storeDir))) {
    o.log.warn({ serverPid: orphan.pid, storeDir }, 'Stopping the nats-server that a dead owner left');
    await stopProcess(orphan, NATS_STOP);
  }
  if (o.program.kind === 'docker') await removeContainer(o.program.docker, storeDir, 10);
  await rm(join(storeDir, 'nats.pid'), { force: true });
}

async function startOnFreePort(
  storeDir: string,
  users: NatsUser[],
  o: NatsOptions,
): Promise<{ running: Running; port: number }> {
  await mkdir(join(storeDir, 'jetstream'), { recursive: true, mode: 0o700 });
  for (let tries = 1; ; tries++) {
    const port = await freePort(tries === 1 ? o.port : undefined);
    const serverName = `skein-${randomPassword().slice(0, 16)}`;
    const inContainer = o.program.kind === 'docker';
    const config = renderConfig({
      host: inContainer ? '0.0.0.0' : LOOPBACK,
      port: inContainer ? CONTAINER_PORT : port,
      dir: inContainer ? CONTAINER_DIR : storeDir,
      serverName,
      syncInterval: o.syncInterval ?? '2s',
      users,
    });
    await writeFile(configPath(storeDir), config, { mode: 0o600 });
    const running = await launch(storeDir, port, o.program);
    if (await answers(port, serverName, running)) return { running, port };
    const output = await running.output();
    await running.stop();
    if (tries === START_TRIES || !/address already in use|port is already allocated/i.test(output)) {
      throw new NatsStartError(storeDir, output);
    }
    o.log.debug({ port, output }, 'nats-server did not start; trying again');
  }
}

async function launch(storeDir: string, port: number, program: NatsProgram): Promise<Running> {
  return program.kind === 'docker'
    ? launchContainer(storeDir, port, program)
    : launchBinary(storeDir, program.path);
}

async function launchBinary(storeDir: string, path: string): Promise<Running> {
  // The server's own log would keep the lines of earlier starts, and a port that was taken would be read from them.
  await rm(join(storeDir, 'nats.log'), { force: true });
  const server = await ServerProcess.start({
    command: path,
    args: ['--config', configPath(storeDir)],
    env: {},
    cwd: storeDir,
    logFile: join(storeDir, 'start.log'),
  });
  return {
    pid: server.pid,
    hasExited: () => server.hasExited,
    exited: server.exited,
    output: async () =>
      `${await server.logTail()}\n${await server.tailOf(join(storeDir, 'nats.log'))}`.trim(),
    stop: () => server.stop(NATS_STOP),
  };
}

async function launchContainer(
  storeDir: string,
  port: number,
  { docker, image }: { docker: string; image: string },
): Promise<Running> {
  const pid = await runContainer({ docker, image, storeDir, port }).catch((error: unknown) => {
    throw new NatsStartError(storeDir, error instanceof Error ? error.message : String(error));
  });
  const end = containerEnd(docker, storeDir);
  let ended = false;
  const exited = end.reached.then((): Exit => {
    ended = true;
    return { code: null, signal: null };
  });
  return {
    pid,
    hasExited: () => ended,
    exited,
    output: async () => 'see `docker logs`',
    stop: async () => {
      await removeContainer(docker, storeDir, 10);
      return end.reachedWithin(15_000);
    },
  };
}

/** The greeting names the server, so that a stranger that took the port in between is not mistaken for ours. */
async function answers(port: number, serverName: string, running: Running): Promise<boolean> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline && !running.hasExited()) {
    if ((await greeting(port)).includes(`"server_name":"${serverName}"`)) return true;
    await new Promise((wake) => setTimeout(wake, 20));
  }
  return false;
}

function greeting(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ port, host: LOOPBACK });
    const finish = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(1_000, finish);
    socket.on('error', finish);
    socket.on('close', finish);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n') || text.length > 64 * 1024) finish();
    });
  });
}

function configPath(storeDir: string): string {
  return join(storeDir, 'nats.conf');
}

export class NatsStartError extends Error {
  readonly code = 'nats-did-not-start';
  readonly retry = 'later';

  constructor(
    readonly storeDir: string,
    readonly output: string,
  ) {
    super(`nats-server did not start on ${storeDir}:\n${output}`);
    this.name = 'NatsStartError';
  }
}
