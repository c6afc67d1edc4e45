import { setTimeout as wait } from 'node:timers/promises';

export interface PlanSummary {
  planId: string;
  status: 'running' | 'completed' | 'halted' | 'cancelled';
  closed: boolean;
  reason: { code: string; message: string } | null;
  integration: { branch: string; sha: string; state: string } | null;
}

export interface StepSummary {
  ordinal: string;
  name: string;
  state: string;
  reason: { code: string; message: string } | null;
  wait: string | null;
}

export interface LedgerEvent {
  seq: number;
  at: string;
  type: string;
  data: Record<string, unknown>;
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

const ANSWER_MS_MAX = 3_000;
const PAUSE_MS = 250;

/** Asks the coordinator that answered last, and the next when it does not: what people do when a replica is away. */
export class FleetClient {
  private current = 0;
  private readonly urls: string[];

  constructor(urls: string[]) {
    this.urls = urls;
  }

  /** The first answer that is no "come back later". Throws when there was none in time. */
  async ask(path: string, o: { body?: unknown; key?: string; timeoutMs?: number } = {}): Promise<Answer> {
    const deadline = performance.now() + (o.timeoutMs ?? 120_000);
    let last: unknown;
    do {
      const url = `${this.urls[this.current]}${path}`;
      try {
        const answer = await request(url, o);
        if (answer.status < 500 && answer.status !== 429) return answer;
        last = `${answer.status} ${JSON.stringify(answer.body)}`;
      } catch (error) {
        last = error;
      }
      this.current = (this.current + 1) % this.urls.length;
      await wait(PAUSE_MS);
    } while (performance.now() < deadline);
    throw new Error(`no answer to ${path} in time; the last: ${String(last)}`);
  }

  /** Returns when every coordinator says that plans can be taken. */
  async ready(): Promise<void> {
    for (const url of this.urls) await new FleetClient([url]).ask('/readyz');
  }

  async plan(planId: string): Promise<PlanSummary> {
    return (await this.get(`/v1/plans/${planId}`)) as unknown as PlanSummary;
  }

  async steps(planId: string): Promise<StepSummary[]> {
    return (await this.get(`/v1/plans/${planId}/steps`))['steps'] as StepSummary[];
  }

  async ledger(planId: string): Promise<LedgerEvent[]> {
    const events: LedgerEvent[] = [];
    for (;;) {
      const after = events.at(-1)?.seq ?? 0;
      const page = await this.get(`/v1/plans/${planId}/ledger?after=${after}&limit=1000`);
      const found = page['events'] as LedgerEvent[];
      events.push(...found);
      if (found.length < 1_000) return events;
    }
  }

  private async get(path: string): Promise<Record<string, unknown>> {
    const { status, body } = await this.ask(path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }
}

async function request(url: string, o: { body?: unknown; key?: string }): Promise<Answer> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
    ...(o.body === undefined ? {} : { method: 'POST', body: JSON.stringify(o.body) }),
    headers: { 'content-type': 'application/json', ...(o.key ? { 'idempotency-key': o.key } : {}) },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
