import { eventually } from '#testing';
import { PLANS, type Stage } from './frozen-plans.ts';

interface Seen {
  types: string[];
  /** Names of the steps that a worker holds. */
  leased: string[];
  /** Attempts. */
  rejected: number;
}

/** The coordinator of a version that is being frozen, over the REST of then. */
export class PastFleet {
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async submit(stage: Stage): Promise<string> {
    const { planId } = (await eventually(
      () => this.post('/v1/plans', { text: JSON.stringify(PLANS[stage]) }),
      { timeoutMs: 30_000, what: `plan ${stage} to be taken` },
    )) as { planId: string };
    return planId;
  }

  async post(path: string, body: object): Promise<object> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as object;
  }

  until(planId: string, done: (seen: Seen) => boolean): Promise<true> {
    return eventually(async () => done(await this.see(planId)), {
      timeoutMs: 60_000,
      what: `plan ${planId} to be as far as ${done.toString()}`,
    });
  }

  private async see(planId: string): Promise<Seen> {
    const events = await this.get<{ events: { type: string; data: Record<string, unknown> }[] }>(
      `/v1/plans/${planId}/ledger?limit=1000`,
    );
    const { steps } = await this.get<{ steps: { name: string; state: string }[] }>(
      `/v1/plans/${planId}/steps`,
    );
    return {
      types: events.events.map(({ type }) => type),
      leased: steps.filter(({ state }) => state === 'running').map((step) => step.name),
      rejected: events.events.filter(({ data }) => data['verdict'] === 'rejected').length,
    };
  }

  private async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
}
