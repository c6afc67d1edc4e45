import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { freePort, goInstall, GoInstallError, installOnce, LOOPBACK, usableCacheDir } from '#servers';
import { eventually } from '#testing';

/**
 * The newest Jaeger that `go install` takes as it is (later ones replace modules of theirs), and half the work to build:
 * 2 cores and an empty module cache, 75 s when it is optimized; 1.76 takes 150 s.
 */
const VERSION = 'v1.42.0';
const SOURCE = `github.com/jaegertracing/jaeger/cmd/all-in-one@${VERSION}`;
const BUILD_TIMEOUT_MS = 10 * 60_000;

/** Of Go's many ways to say that it reached nobody. */
const NO_NETWORK =
  /no such host|dial tcp|i\/o timeout|connection refused|network is unreachable|TLS handshake timeout|module lookup disabled/;

/** The program, built by Go when it is not there yet. Null, and a loud line, where that is impossible here. */
export async function findJaeger(): Promise<string | null> {
  const folder = join(usableCacheDir(), 'jaeger', `${VERSION}-${process.platform}-${process.arch}`);
  const program = join(folder, 'all-in-one');
  if (await isExecutable(program)) return program;
  const go = await findGo();
  if (go === null) return skip('Go is not on the PATH, and nobody has built Jaeger yet');
  try {
    const fill = (into: string): Promise<void> =>
      goInstall({
        go,
        source: SOURCE,
        program: 'all-in-one',
        folder: into,
        timeoutMs: BUILD_TIMEOUT_MS,
        unoptimized: true,
      });
    const isUsable = (): Promise<boolean> => isExecutable(program);
    await installOnce({ target: folder, timeoutMs: BUILD_TIMEOUT_MS + 60_000, isUsable, fill });
    return program;
  } catch (error) {
    // A build that fails of itself is a failure, not a reason to skip.
    if (!(error instanceof GoInstallError) || !NO_NETWORK.test(error.output)) throw error;
    return skip(`Jaeger could not be built without a network: ${error.message}`);
  }
}

function skip(why: string): null {
  process.stderr.write(`\n!!!!! SKIPPED: the tests on a real Jaeger do not run here. ${why}\n\n`);
  return null;
}

async function findGo(): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder.startsWith('/') && (await isExecutable(join(folder, 'go')))) return join(folder, 'go');
  }
  return null;
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

export interface JaegerSpan {
  traceID: string;
  spanID: string;
  operationName: string;
  references: { refType: 'CHILD_OF' | 'FOLLOWS_FROM'; traceID: string; spanID: string }[];
  /** Microseconds. */
  startTime: number;
  duration: number;
  tags: { key: string; value: unknown }[];
  processID: string;
  warnings: string[] | null;
}

export interface JaegerTrace {
  traceID: string;
  spans: JaegerSpan[];
  processes: Record<string, { serviceName: string }>;
  warnings: string[] | null;
}

/** A real Jaeger with everything in memory. */
export class JaegerServer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly queryUrl: string,
    /** What OTEL_EXPORTER_OTLP_ENDPOINT is. */
    readonly otlpUrl: string,
  ) {}

  static async start(program: string): Promise<JaegerServer> {
    const [query, otlp] = [await freePort(), await freePort()];
    const flags = {
      'collector.otlp.enabled': 'true',
      'collector.otlp.http.host-port': `${LOOPBACK}:${otlp}`,
      'query.http-server.host-port': `${LOOPBACK}:${query}`,
      'log-level': 'warn',
      // What nobody talks to here gets any port.
      ...Object.fromEntries(UNUSED.map((name) => [name, `${LOOPBACK}:0`])),
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(program, args, { env: { SPAN_STORAGE_TYPE: 'memory' }, stdio: 'ignore' });
    const server = new JaegerServer(child, `http://${LOOPBACK}:${query}`, `http://${LOOPBACK}:${otlp}`);
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`Jaeger ended with ${child.exitCode}`);
        // Both of its servers: a span that came before would be gone.
        await fetch(`${server.otlpUrl}/v1/traces`);
        return (await fetch(`${server.queryUrl}/api/services`)).ok;
      },
      { timeoutMs: 30_000, what: 'Jaeger to answer' },
    );
    return server;
  }

  /** Null: it has no such trace. */
  async trace(traceId: string): Promise<JaegerTrace | null> {
    const response = await fetch(`${this.queryUrl}/api/traces/${traceId}`);
    if (response.status === 404) return null;
    const { data } = (await response.json()) as { data: JaegerTrace[] | null };
    return data?.[0] ?? null;
  }

  /** What a person looks for: traces of a service with a span of this name and these tags. */
  async search(service: string, operation: string, tags: Record<string, string>): Promise<JaegerTrace[]> {
    const query = new URLSearchParams({
      service,
      operation,
      tags: JSON.stringify(tags),
      lookback: '1h',
      limit: '200',
    });
    const response = await fetch(`${this.queryUrl}/api/traces?${query.toString()}`);
    return ((await response.json()) as { data: JaegerTrace[] | null }).data ?? [];
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await exited;
  }
}

const UNUSED = [
  'collector.otlp.grpc.host-port',
  'collector.grpc-server.host-port',
  'collector.http-server.host-port',
  'query.grpc-server.host-port',
  'admin.http.host-port',
  'http-server.host-port',
  'processor.jaeger-compact.server-host-port',
  'processor.jaeger-binary.server-host-port',
  'processor.zipkin-compact.server-host-port',
];
