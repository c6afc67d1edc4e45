import { userInfo } from 'node:os';
import {
  SkeinClient,
  UnexpectedAnswerError,
  answerOf,
  type DryRun,
  type EventStreamOptions,
  type LedgerPage,
  type PlanPage,
  type PlanView,
  type SinkTest,
  type SinkView,
  type StepView,
  type StreamedEvent,
  type SubmittedPlan,
  type TransportOptions,
  type operations,
} from '#client';
import { OperatorClient } from './operator-client.ts';

/** Whoever waits for a server to come up asks again soon. */
const READY_TIMEOUT_MS = 2_000;
/** A sink may take its time, and be sent two pages. */
const SINK_TEST_TIMEOUT_MS = 130_000;

/** What the commands ask of the coordinator, in their words. What fails is thrown as `#client` says. */
export class CoordinatorClient {
  readonly operator: OperatorClient;
  private readonly client: SkeinClient;

  constructor(
    readonly baseUrl: string,
    o: TransportOptions = {},
  ) {
    this.client = new SkeinClient({ baseUrl, actor: actorName(), ...o });
    this.operator = new OperatorClient(this.client.api);
  }

  async submit(plan: Submission, idempotencyKey: string): Promise<SubmittedPlan> {
    const header = { 'Idempotency-Key': idempotencyKey };
    const answer = await answerOf(this.api.POST('/v1/plans', { params: { header }, body: plan }));
    if ('created' in answer) return answer;
    throw new UnexpectedAnswerError(this.baseUrl, 'a dry run, which was not asked for');
  }

  /** What `submit` would be answered with. Nothing is written; without a key it would be a new plan each time. */
  async dryRun(plan: Submission, idempotencyKey: string | null): Promise<DryRun> {
    const header = idempotencyKey === null ? {} : { 'Idempotency-Key': idempotencyKey };
    const params = { header, query: { dryRun: 'true' as const } };
    const answer = await answerOf(this.api.POST('/v1/plans', { params, body: plan }));
    if ('dryRun' in answer) return answer;
    throw new UnexpectedAnswerError(this.baseUrl, 'a submission, where a dry run was asked for');
  }

  async plans(query: PlanQuery): Promise<PlanPage> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    return answerOf(this.api.GET('/v1/plans', { params: { query: Object.fromEntries(given) } }));
  }

  async plan(planId: string): Promise<PlanView> {
    return answerOf(this.api.GET('/v1/plans/{planId}', { params: { path: { planId } } }));
  }

  async steps(planId: string): Promise<StepView[]> {
    const path = { planId };
    return (await answerOf(this.api.GET('/v1/plans/{planId}/steps', { params: { path } }))).steps;
  }

  async ledger(planId: string, after: number, limit: number): Promise<LedgerPage> {
    const params = { path: { planId }, query: { after, limit } };
    return answerOf(this.api.GET('/v1/plans/{planId}/ledger', { params }));
  }

  /** The plan's events as they come, each exactly once, until the last one. Comes back when the server was away. */
  events(planId: string, o: EventStreamOptions = {}): AsyncGenerator<StreamedEvent> {
    return this.client.planEvents(planId, o);
  }

  async progress(planId: string): Promise<string> {
    const path = { planId };
    return answerOf(this.api.GET('/v1/plans/{planId}/progress.md', { params: { path }, parseAs: 'text' }));
  }

  async attemptText(planId: string, step: string, attempt: number, what: 'log' | 'diff'): Promise<string> {
    const init = { params: { path: { planId, step, attempt } }, parseAs: 'text' as const };
    return what === 'log'
      ? answerOf(this.api.GET('/v1/plans/{planId}/steps/{step}/attempts/{attempt}/log', init))
      : answerOf(this.api.GET('/v1/plans/{planId}/steps/{step}/attempts/{attempt}/diff', init));
  }

  /** Bytes of an attempt's log from the byte `from` on, a page of them; it grows while the attempt runs. */
  async attemptLog(planId: string, step: string, attempt: number, from: number): Promise<Uint8Array> {
    const params = { path: { planId, step, attempt }, query: { from } };
    const page = this.api.GET('/v1/plans/{planId}/steps/{step}/attempts/{attempt}/log', {
      params,
      parseAs: 'arrayBuffer',
    });
    return new Uint8Array(await answerOf(page));
  }

  async planDiff(planId: string): Promise<string> {
    const path = { planId };
    return answerOf(this.api.GET('/v1/plans/{planId}/diff', { params: { path }, parseAs: 'text' }));
  }

  async cancel(planId: string, why: string | null): Promise<void> {
    const path = { planId };
    const body = why === null ? {} : { why };
    await answerOf(this.api.POST('/v1/plans/{planId}/cancel', { params: { path }, body }));
  }

  /** Who is paged. */
  async sinks(): Promise<SinkView[]> {
    return (await answerOf(this.api.GET('/v1/sinks'))).sinks;
  }

  /** Sends a test page, once. */
  async testSink(sink: string): Promise<SinkTest> {
    const { baseUrl } = this;
    const { api } = new SkeinClient({ baseUrl, actor: actorName(), timeoutMs: SINK_TEST_TIMEOUT_MS });
    return answerOf(api.POST('/v1/sinks/{sink}/test', { params: { path: { sink } }, body: {} }));
  }

  /** Whether the coordinator takes plans now. Never throws. */
  async ready(): Promise<boolean> {
    const { baseUrl } = this;
    const { api } = new SkeinClient({ baseUrl, timeoutMs: READY_TIMEOUT_MS, tries: 1 });
    return api.GET('/readyz').then(
      () => true,
      () => false,
    );
  }

  private get api(): SkeinClient['api'] {
    return this.client.api;
  }
}

/** What `GET /v1/plans` takes. */
export type PlanQuery = { [K in keyof Query]?: Query[K] | undefined } & { limit: number };
type Query = NonNullable<operations['listPlans']['parameters']['query']>;

/** A plan text, and what is given beside it. */
export type Submission = operations['submitPlan']['requestBody']['content']['application/json'];

/** Who is recorded as having asked: the name of this machine's user, until there are logins. */
function actorName(): string {
  try {
    return userInfo().username.replace(/[^\x21-\x7e]/g, '?');
  } catch {
    // A container may run as a user without an entry in the password file.
    return 'cli';
  }
}
