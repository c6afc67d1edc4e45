import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { LedgerEvent } from './ledger-times.ts';

const SKEIN = join(import.meta.dirname, '..', '..', 'bin', 'skein');
const READY_TIMEOUT_MS = 240_000;
const PLAN_TIMEOUT_MS = 600_000;
const CLOCK_TICKS_PER_S = 100;
const SUBMISSIONS_AT_ONCE = 16;

export type Usage = Record<string, { cpuS: number; peakRssMb: number }>;

/** `skein up` on a data folder of its own, and what its processes used. */
export class BenchStack {
  readonly folder: string;
  readonly child: ChildProcess;
  readonly url: string;

  constructor(folder: string, child: ChildProcess, url: string) {
    this.folder = folder;
    this.child = child;
    this.url = url;
  }

  static async up(slots: number): Promise<BenchStack> {
    const folder = await mkdtemp(join(tmpdir(), 'skein-bench-'));
    const args = ['up', '--data-dir', join(folder, 'data'), '--slots', String(slots), '--port', '17500'];
    const child = spawn(SKEIN, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const url = /^ready (http:\S+)/m.exec(output)?.[1];
      if (url) return new BenchStack(folder, child, url);
      if (child.exitCode !== null || performance.now() > deadline) {
        child.kill('SIGTERM');
        await rm(folder, { recursive: true, force: true });
        throw new Error(`the stack did not come up:\n${output}`);
      }
      await wait(50);
    }
  }

  /** Submits all plans, a few at once, and waits until every one has ended. */
  async run(texts: string[]): Promise<string[]> {
    const planIds: string[] = [];
    const queue = [...texts];
    const lane = async (): Promise<void> => {
      for (let text = queue.shift(); text !== undefined; text = queue.shift())
        planIds.push(await this.submit(text));
    };
    await Promise.all(Array.from({ length: SUBMISSIONS_AT_ONCE }, lane));
    for (const planId of planIds) await this.ended(planId);
    return planIds;
  }

  async ledger(planId: string): Promise<LedgerEvent[]> {
    const events: LedgerEvent[] = [];
    for (;;) {
      const after = events.at(-1)?.seq ?? 0;
      const page = await this.get<{ events: LedgerEvent[] }>(
        `/v1/plans/${planId}/ledger?after=${after}&limit=5000`,
      );
      events.push(...page.events);
      if (page.events.length < 5_000) return events;
    }
  }

  /** CPU seconds so far and peak memory, by process. */
  async usage(): Promise<Usage> {
    const usage: Usage = {};
    for (const found of await processesOf(this.folder)) {
      const used = (usage[roleOf(found.command)] ??= { cpuS: 0, peakRssMb: 0 });
      const fields = found.stat.slice(found.stat.lastIndexOf(')') + 2).split(' ');
      used.cpuS += (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_S;
      const peakKb = Number(/VmHWM:\s+(\d+)/.exec(found.status)?.[1] ?? 0);
      used.peakRssMb = Math.max(used.peakRssMb, Math.round(peakKb / 1_024));
    }
    return usage;
  }

  async down(): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = new Promise((resolve) => this.child.once('close', resolve));
      this.child.kill('SIGTERM');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private async submit(text: string): Promise<string> {
    const response = await fetch(`${this.url}/v1/plans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    });
    const body = (await response.json()) as { planId: string };
    if (!response.ok) throw new Error(`submission refused: ${JSON.stringify(body)}`);
    return body.planId;
  }

  private async ended(planId: string): Promise<void> {
    const deadline = performance.now() + PLAN_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const { status, reason } = await this.get<{ status: string; reason: unknown }>(`/v1/plans/${planId}`);
      if (status === 'completed') return;
      if (status !== 'running')
        throw new Error(`plan ${planId} ended as ${status}: ${JSON.stringify(reason)}`);
      await wait(20);
    }
    throw new Error(`plan ${planId} did not end within ${PLAN_TIMEOUT_MS} ms`);
  }

  private async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
}

function roleOf(command: string): string {
  if (command.includes('apps/coordinator/')) return 'coordinator';
  if (command.includes('apps/worker/')) return 'worker';
  if (command.includes('nats-server')) return 'nats-server';
  if (command.includes('postgres')) return 'postgres';
  return 'launcher';
}

interface Found {
  pid: number;
  command: string;
  stat: string;
  status: string;
}

/** Those that name the folder in their command line or environment, and their children (Postgres rewrites its own). */
async function processesOf(folder: string): Promise<Found[]> {
  const all = new Map<number, Found & { parent: number; named: boolean }>();
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const [command, stat, status, environ] = await Promise.all(
      ['cmdline', 'stat', 'status', 'environ'].map((file) =>
        readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''),
      ),
    );
    const parent = Number(stat!.slice(stat!.lastIndexOf(')') + 2).split(' ')[1]);
    const named = command!.includes(folder) || environ!.includes(folder);
    all.set(pid, { pid, command: command!, stat: stat!, status: status!, parent, named });
  }
  return [...all.values()].filter((one) => one.named || all.get(one.parent)?.named === true);
}
