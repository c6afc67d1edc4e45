import { setTimeout as wait } from 'node:timers/promises';
import { planIdFor } from './known.ts';

/** What is done in order, before and after the noise. */
export class Client {
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(20_000) });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async post(path: string, body: object, headers: Record<string, string> = {}): Promise<number> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    await response.arrayBuffer();
    return response.status;
  }

  async submit(key: string, plan: object): Promise<string> {
    const headers = { 'idempotency-key': key, 'x-skein-actor': 'prepared' };
    const status = await this.post('/v1/plans', { text: JSON.stringify(plan) }, headers);
    if (status !== 201) throw new Error(`the plan ${key} was answered ${status}`);
    return planIdFor(key);
  }

  /** Whether the coordinator says that it lives and that plans are taken. */
  async isReady(): Promise<boolean> {
    const statuses = await Promise.all(
      ['/healthz', '/readyz'].map(async (path) => (await fetch(`${this.url}${path}`)).status),
    );
    return statuses.every((status) => status === 200);
  }
}

export async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    if (await isSo()) return;
    await wait(50);
  }
  throw new Error(`not within ${timeoutMs / 1_000} s: ${what}`);
}
