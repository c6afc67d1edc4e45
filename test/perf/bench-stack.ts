import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { migrate } from '#ledger';
import { findNatsServer, startNats, startPostgres, type NatsServer, type PostgresServer } from '#servers';
import { silentLogger } from '#telemetry';
import type { LedgerEvent } from './ledger-times.ts';
import { usageBelow, type Usage } from './processes.ts';

const SKEIN = join(import.meta.dirname, '..', '..', 'bin', 'skein');
const READY_TIMEOUT_MS = 240_000;
const PLAN_TIMEOUT_MS = 900_000;
const SUBMISSIONS_AT_ONCE = 16;
const LOOK_EVERY_MS = 25;

/** Of the fleet, its schema and its subjects. */
export const NAMESPACE = 'bench';

export interface Tenanted {
  text: string;
  tenant?: string;
}

/** Postgres with fsync, nats-server with its store in files, and `skein up` on them: each a process of its own. */
export class BenchStack {
  readonly folder: string;
  readonly postgres: PostgresServer;
  readonly nats: NatsServer;
  /** Of the coordinator; empty before `start`. */
  url = '';
  private launcher: ChildProcess | null = null;

  private constructor(folder: string, postgres: PostgresServer, nats: NatsServer) {
    this.folder = folder;
    this.postgres = postgres;
    this.nats = nats;
  }

  /** The two servers, with an empty ledger. */
  static async open(): Promise<BenchStack> {
    const folder = await mkdtemp(join(tmpdir(), 'skein-bench-'));
    const log = silentLogger;
    const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), log });
    const program = await findNatsServer({ log });
    const nats = await startNats({ storeDir: join(folder, 'nats'), program, log });
    await migrate({ adminUrl: postgres.adminUrl, schema: NAMESPACE, log });
    return new BenchStack(folder, postgres, nats);
  }

  /** Resolves when a coordinator decides. */
  async start(o: { workers: number; slots: number; env?: Record<string, string> }): Promise<void> {
    const args = ['up', '--data-dir', join(this.folder, 'data'), '--port', '0'];
    args.push('--workers', String(o.workers), '--slots', String(o.slots));
    const env = {
      ...process.env,
      DATABASE_URL: this.postgres.adminUrl,
      NATS_URL: this.nats.url,
      SKEIN_NAMESPACE: NAMESPACE,
      SKEIN_TENANTS: '*',
      ...o.env,
    };
    const child = spawn(SKEIN, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.launcher = child;
    let output = '';
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-50_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const url = /^ready (http:\S+)/m.exec(output)?.[1];
      if (url) return void (this.url = url);
      if (child.exitCode !== null || performance.now() > deadline)
        throw new Error(`the stack did not come up:\n${output}`);
      await wait(10);
    }
  }

  async down(): Promise<void> {
    const { launcher } = this;
    if (launcher !== null && launcher.exitCode === null) {
      const ended = new Promise((resolve) => launcher.once('close', resolve));
      launcher.kill('SIGTERM');
      await ended;
    }
    await Promise.all([this.postgres.stop(), this.nats.stop()]);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Submits all plans, a few at once, and waits until every one has ended. */
  async run(plans: Tenanted[]): Promise<string[]> {
    const planIds = await this.submitAll(plans);
    for (const planId of planIds) await this.ended(planId);
    return planIds;
  }

  async submitAll(plans: Tenanted[]): Promise<string[]> {
    const planIds: string[] = [];
    const queue = [...plans];
    const lane = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        planIds.push(await this.submit(next));
    };
    await Promise.all(Array.from({ length: SUBMISSIONS_AT_ONCE }, lane));
    return planIds;
  }

  async submit({ text, tenant }: Tenanted): Promise<string> {
    const response = await fetch(`${this.url}/v1/plans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text, ...(tenant !== undefined && { tenant }) }),
    });
    const body = (await response.json()) as { planId: string };
    if (!response.ok) throw new Error(`submission refused: ${JSON.stringify(body)}`);
    return body.planId;
  }

  /** Throws when the plan ends otherwise than completed. */
  async ended(planId: string): Promise<void> {
    const deadline = performance.now() + PLAN_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const { status, reason } = await this.get<{ status: string; reason: unknown }>(`/v1/plans/${planId}`);
      if (status === 'completed') return;
      if (status !== 'running')
        throw new Error(`plan ${planId} ended as ${status}: ${JSON.stringify(reason)}`);
      await wait(LOOK_EVERY_MS);
    }
    throw new Error(`plan ${planId} did not end within ${PLAN_TIMEOUT_MS} ms`);
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

  async ledgers(planIds: string[]): Promise<LedgerEvent[][]> {
    const all: LedgerEvent[][] = [];
    for (const planId of planIds) all.push(await this.ledger(planId));
    return all;
  }

  usage(): Promise<Usage> {
    return usageBelow(this.folder);
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
}
