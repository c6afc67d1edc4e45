import { userInfo } from 'node:os';
import type { z } from 'zod';
import { planEvents, problemError, type EventStreamOptions, type StreamedEvent } from '#client';
import { ConnectionError, ProblemError, UnexpectedAnswerError } from './errors.ts';
import {
  dryRun,
  ledgerPage,
  planList,
  planSummary,
  stepList,
  submittedPlan,
  type DryRun,
  type LedgerPage,
  type PlanList,
  type PlanSummary,
  type StepView,
  type SubmittedPlan,
} from './wire.ts';

/** Past this an answer is no answer: a ledger page of 500 events with 64 KB outputs each is below it. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The coordinator's REST interface. Every call has a deadline; reads and submissions (which carry a key) are
 * repeated when the connection failed, nothing else is.
 */
export class CoordinatorClient {
  constructor(
    readonly baseUrl: string,
    private readonly options: { timeoutMs: number; tries: number } = { timeoutMs: 15_000, tries: 3 },
  ) {}

  async submit(plan: Submission, idempotencyKey: string): Promise<SubmittedPlan> {
    return this.parse(await this.postPlan('/v1/plans', plan, idempotencyKey), submittedPlan);
  }

  /** What `submit` would be answered with. Nothing is written; without a key it would be a new plan each time. */
  async dryRun(plan: Submission, idempotencyKey: string | null): Promise<DryRun> {
    return this.parse(await this.postPlan('/v1/plans?dryRun=true', plan, idempotencyKey), dryRun);
  }

  private postPlan(path: string, plan: Submission, idempotencyKey: string | null): Promise<Answer> {
    return this.repeat('POST', path, {
      body: JSON.stringify(plan),
      headers: {
        'content-type': 'application/json',
        ...(idempotencyKey === null ? {} : { 'idempotency-key': idempotencyKey }),
        'x-skein-actor': actorName(),
      },
    });
  }

  async plans(page: PlanQuery): Promise<PlanList> {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(page)) {
      for (const one of [value].flat()) if (one !== undefined) query.append(key, String(one));
    }
    return this.getJson(`/v1/plans?${query.toString()}`, planList);
  }

  async plan(planId: string): Promise<PlanSummary> {
    return this.getJson(planPath(planId), planSummary);
  }

  async steps(planId: string): Promise<StepView[]> {
    return (await this.getJson(`${planPath(planId)}/steps`, stepList)).steps;
  }

  async ledger(planId: string, after: number, limit: number): Promise<LedgerPage> {
    return this.getJson(`${planPath(planId)}/ledger?after=${after}&limit=${limit}`, ledgerPage);
  }

  /** The plan's events as they come, each exactly once, until the last one. Comes back when the server was away. */
  events(planId: string, o: EventStreamOptions = {}): AsyncGenerator<StreamedEvent> {
    return planEvents(this.baseUrl, planId, o);
  }

  async progress(planId: string): Promise<string> {
    return this.getText(`${planPath(planId)}/progress.md`);
  }

  async attemptText(planId: string, step: string, attempt: number, what: 'log' | 'diff'): Promise<string> {
    return this.getText(`${planPath(planId)}/steps/${encodeURIComponent(step)}/attempts/${attempt}/${what}`);
  }

  /** Bytes of an attempt's log from the byte `from` on, a page of them; it grows while the attempt runs. */
  async attemptLog(planId: string, step: string, attempt: number, from: number): Promise<Uint8Array> {
    const path = `${planPath(planId)}/steps/${encodeURIComponent(step)}/attempts/${attempt}/log?from=${from}`;
    return (await this.repeat('GET', path, {})).bytes;
  }

  async planDiff(planId: string): Promise<string> {
    return this.getText(`${planPath(planId)}/diff`);
  }

  async cancel(planId: string, why: string | null): Promise<void> {
    await this.request('POST', `${planPath(planId)}/cancel`, {
      body: JSON.stringify(why === null ? {} : { why }),
      headers: { 'content-type': 'application/json', 'x-skein-actor': actorName() },
    });
  }

  /** Whether the coordinator takes plans now. Never throws. */
  async ready(): Promise<boolean> {
    try {
      await this.request('GET', '/readyz', {}, 2_000);
      return true;
    } catch {
      return false;
    }
  }

  private async getJson<T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>> {
    return this.parse(await this.repeat('GET', path, {}), schema);
  }

  private async getText(path: string): Promise<string> {
    return text(await this.repeat('GET', path, {}));
  }

  private parse<T extends z.ZodType>(answer: Answer, schema: T): z.infer<T> {
    let json: unknown;
    try {
      json = JSON.parse(text(answer));
    } catch (error) {
      throw new UnexpectedAnswerError(answer.url, 'no JSON', { cause: error });
    }
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new UnexpectedAnswerError(
      answer.url,
      `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
    );
  }

  /** For requests that may be repeated without harm. */
  private async repeat(method: string, path: string, init: RequestParts): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.request(method, path, init);
      } catch (error) {
        const later =
          error instanceof ConnectionError ||
          (error instanceof ProblemError && (error.status === 503 || error.status === 429));
        if (!later || attempt >= this.options.tries) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 200 * 2 ** attempt));
      }
    }
  }

  private async request(
    method: string,
    path: string,
    init: RequestParts,
    timeoutMs = this.options.timeoutMs,
  ): Promise<Answer> {
    const url = new URL(path, this.baseUrl).href;
    let response: Response;
    let bytes: Uint8Array;
    try {
      response = await fetch(url, {
        ...init,
        method,
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'error',
      });
      bytes = await readBounded(response);
    } catch (error) {
      throw new ConnectionError(this.baseUrl, describeFailure(error, timeoutMs), { cause: error });
    }
    if (response.ok) return { url, bytes };
    throw problemError(response.status, text({ bytes }), response.headers.get('retry-after'));
  }
}

/** What `GET /v1/plans` takes. */
export interface PlanQuery {
  limit: number;
  cursor?: string | undefined;
  status?: string | undefined;
  /** How their names begin. */
  name?: string | undefined;
  tenant?: string | undefined;
  /** `key=value`, or `key`. All of them. */
  label?: string[] | undefined;
  /** `<24h`: younger, `>7d`: older. */
  age?: string | undefined;
}

/** A plan text, and what is given beside it. */
export interface Submission {
  text: string;
  repoUrl?: string;
  base?: string;
  params?: Record<string, string>;
  /** Texts of template files, by their paths in the plan. */
  files?: Record<string, string>;
}

interface RequestParts {
  body?: string;
  headers?: Record<string, string>;
}

interface Answer {
  url: string;
  bytes: Uint8Array;
}

function text({ bytes }: Pick<Answer, 'bytes'>): string {
  return Buffer.from(bytes).toString('utf8');
}

/** Who is recorded as having asked: the name of this machine's user, until there are logins. */
function actorName(): string {
  try {
    return userInfo().username.replace(/[^\x21-\x7e]/g, '?');
  } catch {
    // A container may run as a user without an entry in the password file.
    return 'cli';
  }
}

function planPath(planId: string): string {
  return `/v1/plans/${encodeURIComponent(planId)}`;
}

async function readBounded(response: Response): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer is larger than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** undici says "fetch failed" and hides the system's reason in `cause`. */
function describeFailure(error: unknown, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `no answer within ${timeoutMs} ms`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  return cause instanceof Error ? cause.message : String(cause);
}
