import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, tempDir } from '#testing';

const ROOT = join(import.meta.dirname, '..', '..');
export const SKEIN = join(ROOT, 'bin', 'skein');

export interface PlanSummary {
  planId: string;
  status: 'running' | 'completed' | 'halted' | 'cancelled';
  closed: boolean;
  counts: Record<string, number>;
  reason: { code: string; message: string } | null;
  integration: { branch: string; sha: string; state: string } | null;
  baseSha: string | null;
}

export interface StepSummary {
  ordinal: string;
  name: string;
  kind: string;
  state: string;
  attempts: number;
  reason: { code: string; message: string } | null;
  epoch: number;
  wait: string | null;
}

export interface LedgerLine {
  seq: number;
  at: string;
  type: string;
  data: Record<string, unknown>;
}

export interface StackOptions {
  dataDir: string;
  workers?: number;
  slots?: number;
  env?: Record<string, string>;
  home?: string;
}

/** The built programs as a user starts them: `skein up` and what it launches. */
export class Stack {
  private constructor(
    private readonly child: ChildProcess,
    readonly dataDir: string,
    readonly url: string,
  ) {}

  static async up(o: StackOptions): Promise<Stack> {
    // A taken port is stepped over; a spread start keeps parallel stacks out of each other's way.
    const args = [
      'up',
      '--port',
      String(12_000 + Math.floor(Math.random() * 7_000)),
      '--data-dir',
      o.dataDir,
    ];
    args.push('--workers', String(o.workers ?? 1), '--slots', String(o.slots ?? 4));
    const child = spawn(SKEIN, args, { env: environment(o), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const started = await eventually(
      () => {
        const url = /^ready (http:\S+)/m.exec(output)?.[1];
        return url !== undefined || child.exitCode !== null ? { url } : null;
      },
      { timeoutMs: 240_000, what: 'skein up to be ready' },
    );
    if (started.url === undefined) throw new Error(`skein up ended with ${child.exitCode}:\n${output}`);
    return new Stack(child, o.dataDir, started.url);
  }

  async submit(text: string, key?: string): Promise<string> {
    const response = await fetch(`${this.url}/v1/plans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) },
      body: JSON.stringify({ text }),
    });
    const body = (await response.json()) as { planId: string; detail?: string };
    if (!response.ok) throw new Error(`submission refused: ${JSON.stringify(body)}`);
    return body.planId;
  }

  plan(planId: string): Promise<PlanSummary> {
    return this.get(`/v1/plans/${planId}`);
  }

  async steps(planId: string): Promise<StepSummary[]> {
    return (await this.get<{ steps: StepSummary[] }>(`/v1/plans/${planId}/steps`)).steps;
  }

  async ledger(planId: string): Promise<LedgerLine[]> {
    const events: LedgerLine[] = [];
    for (;;) {
      const after = events.at(-1)?.seq ?? 0;
      const page = await this.get<{ events: LedgerLine[] }>(
        `/v1/plans/${planId}/ledger?after=${after}&limit=1000`,
      );
      events.push(...page.events);
      if (page.events.length < 1_000) return events;
    }
  }

  /** Until nothing more will happen to it. */
  closed(planId: string, timeoutMs = 120_000): Promise<PlanSummary> {
    return eventually(
      async () => {
        const plan = await this.plan(planId);
        return plan.closed ? plan : null;
      },
      { timeoutMs, what: `plan ${planId} to close` },
    );
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** SIGTERM, and its exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return eventually(
      () =>
        this.child.exitCode !== null || this.child.signalCode !== null ? { code: this.child.exitCode } : null,
      {
        timeoutMs: 60_000,
        what: 'skein up to end',
      },
    ).then(({ code }) => code);
  }

  /** kill -9 of every process of the stack, servers included, as a power cut would. */
  async killEverything(): Promise<void> {
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
      const pids = [...new Set([this.child.pid!, ...(await processesOf(this.dataDir))])];
      for (const pid of pids) kill(pid, signal);
    }
    await eventually(async () => (await processesOf(this.dataDir)).length === 0, {
      what: 'the processes of the stack to be gone',
    });
  }

  /** The processes of the stack whose command line has this text. */
  async processes(text: string): Promise<number[]> {
    return processesOf(this.dataDir, text);
  }
}

/** Runs a `skein` command to its end. */
export function skein(
  args: string[],
  o: { url?: string; cwd?: string; env?: Record<string, string> } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...cleanEnvironment(), ...(o.url ? { SKEIN_URL: o.url } : {}), ...o.env };
    const child = spawn(SKEIN, args, { env, cwd: o.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

export async function freshDataDir(): Promise<string> {
  return join(await tempDir('stack'), 'data');
}

/** Processes that name this folder in their command line or environment. */
export async function processesOf(folder: string, text = ''): Promise<number[]> {
  const pids: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const [command, environ, stat] = await Promise.all(
      ['cmdline', 'environ', 'stat'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    if (/^\d+ \(.*\) [ZX]/s.test(stat ?? '')) continue;
    if (!command!.includes(folder) && !environ!.includes(folder)) continue;
    if (command!.includes(text)) pids.push(pid);
  }
  return pids;
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function environment(o: StackOptions): Record<string, string> {
  return { ...cleanEnvironment(), ...(o.home ? { HOME: o.home } : {}), ...o.env };
}

/** Of this shell only what a program needs to start: no setting of the developer's reaches the stack under test. */
function cleanEnvironment(): Record<string, string> {
  const keep = [
    'PATH',
    'HOME',
    'TMPDIR',
    'LANG',
    'GOFLAGS',
    'GOPROXY',
    'GOCACHE',
    'GOPATH',
    'SKEIN_CACHE_DIR',
  ];
  return Object.fromEntries(keep.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
