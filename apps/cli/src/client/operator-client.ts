import {
  answerOf,
  type DeadLetter,
  type Explanation,
  type ForkedPlan,
  type LedgerPage,
  type LimitsView,
  type PlanView,
  type RedrivenDeadLetters,
  type SkeinClient,
  type operations,
} from '#client';

export type PlanVerb = 'pause' | 'resume';
export type StepVerb = 'retry' | 'skip' | 'kill' | 'redrive';
export type DeadLetterQuery = Pick<
  NonNullable<operations['listDeadLetters']['parameters']['query']>,
  'plan' | 'name' | 'reason' | 'tenant'
>;
export type RedriveRequest = operations['redriveDeadLetters']['requestBody']['content']['application/json'];
export type ForkRequest = NonNullable<operations['forkPlan']['requestBody']>['content']['application/json'];

const PAGE = 200;

/** What operators ask of the coordinator. */
export class OperatorClient {
  constructor(private readonly api: SkeinClient['api']) {}

  onPlan(planId: string, verb: PlanVerb, why: string | undefined): Promise<PlanView> {
    const init = { params: { path: { planId } }, body: why === undefined ? {} : { why } };
    return answerOf(
      verb === 'pause'
        ? this.api.POST('/v1/plans/{planId}/pause', init)
        : this.api.POST('/v1/plans/{planId}/resume', init),
    );
  }

  onStep(
    { planId, step, verb }: { planId: string; step: string; verb: StepVerb },
    o: { why?: string | undefined; attempts?: number | undefined; note?: string | undefined },
  ): Promise<PlanView> {
    const params = { path: { planId, step } };
    const body = o.why === undefined ? {} : { why: o.why };
    if (verb === 'retry') {
      const more = {
        ...(o.attempts !== undefined && { attempts: o.attempts }),
        ...(o.note !== undefined && { note: o.note }),
      };
      const init = { params, body: { ...body, ...more } };
      return answerOf(this.api.POST('/v1/plans/{planId}/steps/{step}/retry', init));
    }
    const init = { params, body };
    if (verb === 'skip') return answerOf(this.api.POST('/v1/plans/{planId}/steps/{step}/skip', init));
    if (verb === 'kill') return answerOf(this.api.POST('/v1/plans/{planId}/steps/{step}/kill', init));
    return answerOf(this.api.POST('/v1/plans/{planId}/steps/{step}/redrive', init));
  }

  /** All of them that are wanted, page by page. */
  async *deadLetters(query: DeadLetterQuery): AsyncGenerator<DeadLetter> {
    let cursor: string | null = null;
    do {
      const params: { query: DeadLetterQuery & { limit: number; cursor?: string } } = {
        query: { ...query, limit: PAGE, ...(cursor !== null && { cursor }) },
      };
      const page: { deadLetters: DeadLetter[]; nextCursor: string | null } = await answerOf(
        this.api.GET('/v1/dead-letters', { params }),
      );
      yield* page.deadLetters;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  /** A page of those that are wanted; its `nextCursor` is where the next one begins. */
  redriveAll(request: RedriveRequest): Promise<RedrivenDeadLetters> {
    return answerOf(this.api.POST('/v1/dead-letters/redrive', { body: request }));
  }

  fork(planId: string, body: ForkRequest, idempotencyKey: string): Promise<ForkedPlan> {
    const params = { path: { planId }, header: { 'Idempotency-Key': idempotencyKey } };
    return answerOf(this.api.POST('/v1/plans/{planId}/fork', { params, body }));
  }

  limits(): Promise<LimitsView> {
    return answerOf(this.api.GET('/v1/limits'));
  }

  /** null: as the settings have it again. */
  changeLimits(limits: Record<string, number | null>, why: string | undefined): Promise<LimitsView> {
    const body = why === undefined ? { limits } : { limits, why };
    return answerOf(this.api.PATCH('/v1/limits', { body }));
  }

  limitsLedger(after: number, limit: number): Promise<LedgerPage> {
    return answerOf(this.api.GET('/v1/limits/ledger', { params: { query: { after, limit } } }));
  }

  explain(planId: string, step: string): Promise<Explanation> {
    const params = { path: { planId, step } };
    return answerOf(this.api.GET('/v1/plans/{planId}/steps/{step}/explain', { params }));
  }
}
