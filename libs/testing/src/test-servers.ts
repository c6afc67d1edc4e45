import type { NatsProgram } from '#servers';

export interface TestServers {
  /** As superuser. Make a database of your own with `freshDatabase()`. */
  postgresAdminUrl: string;
  /** With JetStream and all rights. Use names of your own with `freshNamespace()`. */
  natsUrl: string;
}

const SERVERS = 'SKEIN_TEST_SERVERS';
const NATS_PROGRAM = 'SKEIN_TEST_NATS_PROGRAM';

/** For the global set-up: Jest's workers inherit its environment. */
export function handToSpecs(servers: TestServers, program: NatsProgram): void {
  process.env[SERVERS] = JSON.stringify(servers);
  process.env[NATS_PROGRAM] = JSON.stringify(program);
}

/** Postgres and NATS of this Jest run: only in `*.int.spec.ts`. */
export function testServers(): TestServers {
  return JSON.parse(fromSetUp(SERVERS)) as TestServers;
}

export function testNatsProgram(): NatsProgram {
  return JSON.parse(fromSetUp(NATS_PROGRAM)) as NatsProgram;
}

function fromSetUp(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error('Servers are there for *.int.spec.ts only (project `int`).');
  return value;
}
