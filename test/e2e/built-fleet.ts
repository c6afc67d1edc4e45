import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { findNatsServer, startNats, startPostgres, type NatsServer } from '#servers';
import { silentLogger as log } from '#telemetry';
import { eventually, Scrape, tempDir } from '#testing';
import { Programs, type Program } from '../upgrade/programs.ts';
import type { LedgerLine, PlanSummary, StepSummary } from './stack.ts';

/**
 * The built programs one by one on servers of their own, so that each can get a signal of its own: unlike `skein up`,
 * nobody starts again what dies.
 */
export class BuiltFleet {
  readonly coordinators: Program[] = [];
  private readonly things: { stop(): Promise<unknown> }[] = [];
  private readonly programs = Programs.ofToday();

  private constructor(
    private readonly folder: string,
    readonly nats: NatsServer,
    private readonly env: Record<string, string>,
  ) {}

  static async start(env: Record<string, string>): Promise<BuiltFleet> {
    const folder = await tempDir('fleet');
    const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), log, fsync: false });
    const program = await findNatsServer({ log });
    const nats = await startNats({ program, storeDir: join(folder, 'nats'), log });
    const fleet = new BuiltFleet(folder, nats, {
      DATABASE_URL: postgres.adminUrl,
      NATS_URL: nats.url,
      SKEIN_NAMESPACE: 'skein',
      HOME: folder,
      SKEIN_PORT: '0',
      SKEIN_ARTIFACTS_DIR: join(folder, 'artifacts'),
      ...env,
    });
    fleet.things.push(postgres, nats);
    await fleet.coordinator();
    await eventually(async () => (await fetch(`${fleet.url}/readyz`)).ok, {
      timeoutMs: 20_000,
      what: 'the coordinator to decide',
    });
    return fleet;
  }

  async coordinator(): Promise<Program> {
    const program = this.own(await this.programs.coordinator(this.env));
    this.coordinators.push(program);
    return program;
  }

  worker(name: string, env: Record<string, string> = {}): Promise<Program> {
    const own = { SKEIN_WORKER_ID: name, SKEIN_DATA_DIR: join(this.folder, name) };
    return this.programs.worker({ ...this.env, ...own, ...env }).then((program) => this.own(program));
  }

  /** Of a coordinator that runs. */
  get url(): string {
    return this.coordinators.find(({ runs }) => runs)!.url;
  }

  /** As a client does: again under the same key while nobody decides. */
  async submit(plan: object): Promise<string> {
    const key = { 'idempotency-key': randomUUID() };
    const body = { text: JSON.stringify(plan) };
    const { planId } = await eventually(() => this.post<{ planId: string }>('/v1/plans', body, key), {
      timeoutMs: 30_000,
      what: 'the plan to be taken',
    });
    return planId;
  }

  plan(planId: string): Promise<PlanSummary> {
    return this.get(`/v1/plans/${planId}`);
  }

  async steps(planId: string): Promise<StepSummary[]> {
    return (await this.get<{ steps: StepSummary[] }>(`/v1/plans/${planId}/steps`)).steps;
  }

  async step(planId: string, name: string): Promise<StepSummary> {
    const found = (await this.steps(planId)).find((step) => step.name === name);
    if (!found) throw new Error(`no step ${name} yet`);
    return found;
  }

  async ledger(planId: string): Promise<LedgerLine[]> {
    return (await this.get<{ events: LedgerLine[] }>(`/v1/plans/${planId}/ledger?limit=1000`)).events;
  }

  /** Of one step, as the ledger has them. */
  async story(planId: string, name: string): Promise<LedgerLine[]> {
    const ordinal = Number((await this.step(planId, name)).ordinal.slice(1));
    return (await this.ledger(planId)).filter(({ data }) => data['ordinal'] === ordinal);
  }

  running(planId: string, name: string, worker: string): Promise<true> {
    return eventually(
      async () => {
        const story = await this.story(planId, name);
        const last = story.findLast(({ type }) => type !== 'attempt.finished');
        return last?.type === 'lease.granted' && last.data['worker'] === worker;
      },
      { timeoutMs: 30_000, what: `${worker} to hold ${name}` },
    );
  }

  closed(planId: string): Promise<PlanSummary> {
    return eventually(
      async () => {
        const plan = await this.plan(planId);
        return plan.closed ? plan : null;
      },
      { timeoutMs: 60_000, what: `plan ${planId} to close` },
    );
  }

  async metrics(): Promise<Scrape> {
    return Scrape.parse(await (await fetch(`${this.url}/metrics`)).text());
  }

  async get<T>(path: string): Promise<T> {
    return answerOf(await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(10_000) }));
  }

  async post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<T> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    return answerOf(response);
  }

  async stop(): Promise<void> {
    for (const thing of this.things.splice(0).reverse()) await thing.stop();
  }

  private own<T extends { stop(): Promise<unknown> }>(thing: T): T {
    this.things.push(thing);
    return thing;
  }
}

async function answerOf<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
