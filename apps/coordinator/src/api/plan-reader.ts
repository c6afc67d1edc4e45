import type { ArtifactStore } from '#artifacts';
import { show } from '#contracts';
import { formatOrdinal, parseOrdinal } from '#domain';
import {
  InvalidCursorError,
  renderProgress,
  type AttemptView,
  type Ledger,
  type PlanView,
  type PlanViews,
  type Projector,
  type StepView,
} from '#ledger';
import type { PlanCommands } from '../commands/plan-commands.ts';
import { Problem, planUnknown } from './problem.ts';

const PLAN_ID = /^[a-z0-9]{8,64}$/;
const STATUSES = ['running', 'completed', 'halted', 'cancelled'] as const;
/** How long a read waits for the projections to show what was committed before it. */
const PROJECTION_WAIT_MS = 2_000;
const ARTIFACT_MAX_BYTES = 16 * 1_024 ** 2;
const PLAN_DIFF_MAX_BYTES = 16 * 1_024 ** 2;
const PLAN_DIFF_MAX_STEPS = 10_000;

export interface PlanReaderOptions {
  views: PlanViews;
  projector: Projector;
  ledger: Ledger;
  artifacts: ArtifactStore;
  commands: PlanCommands;
}

/** What the API shows of plans: the projections, brought up to the ledger's head before they are read. */
export class PlanReader {
  constructor(private readonly o: PlanReaderOptions) {}

  async plans(o: { limit: number; cursor: string | null; status: string | null }) {
    const status = STATUSES.find((known) => known === o.status) ?? null;
    if (o.status && !status) {
      throw new Problem(400, 'query-invalid', `status must be one of ${STATUSES.join(', ')}`);
    }
    await this.o.projector.caughtUp(PROJECTION_WAIT_MS);
    try {
      const page = await this.o.views.listPlans({ limit: o.limit, cursor: o.cursor, status });
      return { plans: page.plans, nextCursor: page.next };
    } catch (error) {
      if (error instanceof InvalidCursorError) throw new Problem(400, 'query-invalid', error.message);
      throw error;
    }
  }

  async plan(planId: string): Promise<PlanView> {
    if (!PLAN_ID.test(planId)) throw planUnknown(planId);
    const head = await this.o.ledger.head(planId);
    if (head.seq === 0) throw planUnknown(planId);
    await this.o.projector.waitFor(planId, head.seq, PROJECTION_WAIT_MS);
    const plan = await this.o.views.plan(planId);
    if (!plan)
      throw new Problem(503, 'view-behind', 'the plan is recorded but not shown yet; try again', {
        retryAfterS: 1,
      });
    return plan;
  }

  async steps(planId: string) {
    const plan = await this.plan(planId);
    const [steps, waits] = await Promise.all([this.o.views.steps(planId), this.waits(plan)]);
    return {
      steps: steps.map((step) => ({ ...stepBody(step), wait: waits[formatOrdinal(step.ordinal)] ?? null })),
    };
  }

  async ledger(planId: string, afterSeq: number, limit: number) {
    if (!PLAN_ID.test(planId)) throw planUnknown(planId);
    const head = await this.o.ledger.head(planId);
    if (head.seq === 0) throw planUnknown(planId);
    const events = await this.o.ledger.read(planId, afterSeq, limit);
    return {
      head,
      events: events.map(({ seq, at, event, body, prevHash, hash, traceparent }) => ({
        seq,
        at,
        type: event.type,
        data: event.data,
        traceparent,
        body,
        prevHash,
        hash,
      })),
    };
  }

  async progress(planId: string): Promise<string> {
    const plan = await this.plan(planId);
    return renderProgress(plan, await this.o.views.steps(planId));
  }

  async attempts(planId: string, stepText: string) {
    const step = await this.step(planId, stepText);
    const attempts = await this.o.views.attempts(planId, step.ordinal);
    return { attempts: attempts.map((attempt) => ({ ...attempt, ordinal: formatOrdinal(attempt.ordinal) })) };
  }

  /** Log or diff of an attempt. A lost artifact is said to be lost: the ledger still knows the attempt. */
  async artifact(planId: string, stepText: string, attempt: number, kind: 'log' | 'diff'): Promise<string> {
    const step = await this.step(planId, stepText);
    if (step.kind === 'integrate' && attempt === 1 && step.epoch > 0) {
      return this.textAt(integrationKey(planId, step, kind), `${kind} of the integration`);
    }
    const found = (await this.o.views.attempts(planId, step.ordinal)).find((one) => one.attempt === attempt);
    if (found) return this.textOf(found, kind);
    const used = step.attemptsUsed === 0 ? 'it has none yet' : `it has ${step.attemptsUsed}`;
    throw new Problem(
      404,
      'attempt-unknown',
      `${formatOrdinal(step.ordinal)} has no attempt ${attempt}: ${used}`,
    );
  }

  /** What the plan changes: the integration's diff, or the accepted diffs of its steps one after the other. */
  async planDiff(planId: string): Promise<string> {
    const plan = await this.plan(planId);
    if (plan.integration) {
      const integrate = await this.o.views.step(planId, 'integrate');
      if (integrate) return this.textAt(integrationKey(planId, integrate, 'diff'), 'diff of the integration');
    }
    const parts: string[] = [];
    let bytes = 0;
    for (const accepted of await this.o.views.acceptedAttempts(planId, { limit: PLAN_DIFF_MAX_STEPS })) {
      if (!accepted.diffKey) continue;
      const text = await this.textOf(accepted, 'diff').catch(
        (error: unknown) => `# ${(error as Error).message}\n`,
      );
      bytes += Buffer.byteLength(text);
      if (bytes > PLAN_DIFF_MAX_BYTES)
        return `${parts.join('')}# cut here: the diffs are larger than 16 MB\n`;
      parts.push(text);
    }
    return parts.join('');
  }

  private async textOf(attempt: AttemptView, kind: 'log' | 'diff'): Promise<string> {
    const key = kind === 'log' ? attempt.logKey : attempt.diffKey;
    if (!key) throw new Problem(404, `${kind}-none`, `attempt ${attempt.attempt} left no ${kind}`);
    return this.textAt(key, `${kind} of attempt ${attempt.attempt}`);
  }

  private async textAt(key: string, what: string): Promise<string> {
    const content = await this.o.artifacts.get(key, ARTIFACT_MAX_BYTES);
    if (content) return content.toString('utf8');
    throw new Problem(404, 'artifact-lost', `the ${what} is lost: the artifact store does not have it`);
  }

  private async step(planId: string, text: string): Promise<StepView> {
    await this.plan(planId);
    const ordinal = parseOrdinal(text);
    const step =
      (ordinal === null ? null : await this.o.views.step(planId, ordinal)) ??
      // No name has a NUL, and Postgres takes no text with one.
      (text.includes('\0') ? null : await this.o.views.step(planId, text));
    if (step) return step;
    throw new Problem(
      404,
      'step-unknown',
      `plan ${planId} has no step ${show(text)}; list them with GET /v1/plans/${planId}/steps`,
    );
  }

  /** Why open steps wait, from the decider's memory; nobody to ask is no reason to fail a read. */
  private async waits(plan: PlanView): Promise<Record<string, string>> {
    if (plan.closed) return {};
    const reply = await this.o.commands.execute({ kind: 'explain', planId: plan.planId }, null);
    return reply.status === 'explained' ? reply.waits : {};
  }
}

/** The integration has no attempts of its own; its worker files what it wrote under the lease's epoch. */
function integrationKey(planId: string, step: StepView, kind: 'log' | 'diff'): string {
  return `${planId}/${formatOrdinal(step.ordinal)}/1-${step.epoch}.${kind}`;
}

function stepBody(step: StepView) {
  const { ordinal, attemptsUsed, ...rest } = step;
  return { ordinal: formatOrdinal(ordinal), attempts: attemptsUsed, ...rest };
}
