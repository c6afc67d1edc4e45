import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '#telemetry';
import { removeTree } from './launching/remove-tree.ts';
import type { SandboxKind } from './run-spec.ts';
import { Sandbox } from './sandbox.ts';

export interface DetectOptions {
  /** PATH in which bwrap and unshare are looked for. */
  path: string;
  log: Logger;
}

/** What was tried, and why a kind does not work. */
export interface SandboxTrial {
  kind: SandboxKind;
  works: boolean;
  reason: string;
}

export interface DetectedSandbox {
  kind: SandboxKind;
  /** One sentence for a person: why this kind. */
  reason: string;
  /** All kinds, best first. */
  trials: SandboxTrial[];
}

const KINDS: SandboxKind[] = ['bubblewrap', 'namespace', 'process'];

const PROMISES: Record<SandboxKind, string> = {
  bubblewrap: 'steps see only their own files and have no network unless they ask',
  namespace: "steps end as a whole, but read and write all that the worker's user can",
  process: "steps are hunted down by descent, and read and write all that the worker's user can",
};

/** The best kind that works here, found by running a trivial program in each. */
export async function detectSandbox(options: DetectOptions): Promise<DetectedSandbox> {
  const dir = await mkdtemp(join(tmpdir(), 'skein-sandbox-trial-'));
  try {
    const trials: SandboxTrial[] = [];
    for (const kind of KINDS) trials.push(await tryKind(kind, dir, options.path));
    const best = trials.find((trial) => trial.works);
    const kind = best?.kind ?? 'process';
    const lacking = trials.slice(0, KINDS.indexOf(kind)).map((trial) => `${trial.kind}: ${trial.reason}`);
    const reason = [`${kind}: ${PROMISES[kind]}`, ...lacking.map((text) => `not ${text}`)].join('; ');
    options.log.debug({ trials }, 'sandboxes tried');
    return { kind, reason, trials };
  } finally {
    await removeTree(dir);
  }
}

async function tryKind(kind: SandboxKind, dir: string, path: string): Promise<SandboxTrial> {
  const sandbox = new Sandbox({
    kind,
    log: silentLogger,
    readable: [],
    extraWritable: [],
    path,
    scratchRoot: dir,
  });
  const result = await sandbox.run(
    {
      argv: ['/bin/sh', '-c', 'echo "skein $((6*7))"'],
      cwd: '/',
      ...{ writable: [], readable: [], env: {}, network: false },
      limits: {
        ...{ wallMs: 10_000, idleMs: 10_000, outputBytes: 65_536 },
        ...{ memoryBytes: Infinity, diskBytes: 64 * 1024 * 1024, processes: 100 },
      },
    },
    new AbortController().signal,
  );
  const works = result.end === 'exited' && result.exitCode === 0 && result.output === 'skein 42\n';
  return {
    kind,
    works,
    reason: works ? 'works' : `${result.message}${result.output && ` (${result.output.trim()})`}`,
  };
}
