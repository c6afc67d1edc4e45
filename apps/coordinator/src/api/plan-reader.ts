import type { ArtifactStore } from '#artifacts';
import { show } from '#contracts';
import { FLEET_STREAM, formatOrdinal, parseOrdinal, type PlanSubmitted } from '#domain';
import {
  InvalidCursorError,
  groupName,
  renderProgress,
  type AttemptView,
  type DeadLetterFilter,
  type Head,
  type Ledger,
  type PlanFilter,
  type PlanView,
  type PlanViews,
  type Projector,
  type StepView,
  type StoredEvent,
} from '#ledger';
import type { CommandReply, PlanCommands } from '../commands/plan-commands.ts';
import type {
  AttemptListAnswer,
  LedgerAnswer,
  PlanAnswer,
  PlanListAnswer,
  StepListAnswer,
} from './describing/answers.ts';
import type { DeadLetterListAnswer, ExplainAnswer } from './describing/operator-answers.ts';
import type { DeadLettersQuery } from './describing/operator-queries.ts';
import { Problem, planUnknown } from './problem.ts';

const PLAN_ID = /^[a-z0-9]{8,64}$/;
/** How long a read waits for the projections to show what was committed before it. */
const PROJECTION_WAIT_MS = 2_000;
const ARTIFACT_MAX_BYTES = 16 * 1_024 ** 2;
/** Who follows a log asks again for the rest. */
const LOG_PAGE_BYTES = 256 * 1_024;
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

  async plans(o: PlanFilter & { limit: number; cursor: string | null }): Promise<PlanListAnswer> {
    await this.o.projector.caughtUp(PROJECTION_WAIT_MS);
    const page = await this.o.views.listPlans(o).catch(refuseCursor);
    return { plans: page.plans, nextCursor: page.next };
  }

  /** Where the ledger has the plan. */
  async head(planId: string): Promise<Head> {
    if (!PLAN_ID.test(planId)) throw planUnknown(planId);
    const head = await this.o.ledger.head(planId);
    // The fleet's own stream is beside those of plans.
    if (head.seq === 0 || planId === FLEET_STREAM) throw planUnknown(planId);
    return head;
  }

  async plan(planId: string): Promise<PlanView & PlanAnswer> {
    const head = await this.head(planId);
    await this.o.projector.waitFor(planId, head.seq, PROJECTION_WAIT_MS);
    const plan = await this.o.views.plan(planId);
    if (!plan)
      throw new Problem(503, 'view-behind', 'the plan is recorded but not shown yet; try again', {
        retryAfterS: 1,
      });
    return plan;
  }

  async steps(planId: string): Promise<StepListAnswer> {
    const plan = await this.plan(planId);
    const [steps, waits] = await Promise.all([this.o.views.steps(planId), this.waits(plan)]);
    return {
      steps: steps.map((step) => ({ ...stepBody(step), wait: waits[formatOrdinal(step.ordinal)] ?? null })),
    };
  }

  async ledger(planId: string, afterSeq: number, limit: number): Promise<LedgerAnswer> {
    return this.page(planId, await this.head(planId), afterSeq, limit);
  }

  /** What was recorded of the fleet, and of no plan. */
  async fleetLedger(afterSeq: number, limit: number): Promise<LedgerAnswer> {
    return this.page(FLEET_STREAM, await this.o.ledger.head(FLEET_STREAM), afterSeq, limit);
  }

  private async page(planId: string, head: Head, afterSeq: number, limit: number): Promise<LedgerAnswer> {
    const events = await this.o.ledger.read(planId, afterSeq, limit);
    return {
      head,
      events: events.map(({ seq, at, event, body, prevHash, hash, traceparent }) => ({
        seq,
        at,
        type: event.type,
        data: { ...event.data },
        traceparent,
        body,
        prevHash,
        hash,
      })),
    };
  }

  /** What is recorded of a plan after the event `afterSeq`, in order. */
  events(planId: string, afterSeq: number, limit: number): Promise<StoredEvent[]> {
    return this.o.ledger.read(planId, afterSeq, limit);
  }

  /** What a plan was pinned to when it was submitted; null: there is no such plan. */
  async digest(planId: string): Promise<string | null> {
    return (await this.submitted(planId))?.digest ?? null;
  }

  /** How a plan began; null: there is no such plan. */
  async submitted(planId: string): Promise<PlanSubmitted | null> {
    const [first] = await this.o.ledger.read(planId, 0, 1);
    return first?.event.type === 'plan.submitted' ? first.event.data : null;
  }

  async deadLetters(query: DeadLettersQuery): Promise<DeadLetterListAnswer> {
    await this.o.projector.caughtUp(PROJECTION_WAIT_MS);
    const page = await this.o.views.deadLetters(query).catch(refuseCursor);
    return {
      deadLetters: page.deadLetters.map(({ ordinal, attemptsUsed, ...rest }) => ({
        ordinal: formatOrdinal(ordinal),
        attempts: attemptsUsed,
        ...rest,
      })),
      nextCursor: page.next,
    };
  }

  /** Until when (ms) those wait that were redriven at a rate; null: none does. */
  async lastRedriveAt(filter: DeadLetterFilter, nowMs: number): Promise<number | null> {
    await this.o.projector.caughtUp(PROJECTION_WAIT_MS);
    const last = await this.o.views.lastRedriveAt(filter, new Date(nowMs).toISOString());
    return last === null ? null : Date.parse(last);
  }

  /** What a step waits for, as the decider and the projections have it. */
  async explain(planId: string, stepText: string): Promise<ExplainAnswer> {
    const { ordinal, name, state, reason, notBefore, worker, needs } = await this.step(planId, stepText);
    const plan = await this.plan(planId);
    const [all, wait] = await Promise.all([
      needs.length === 0 ? [] : this.o.views.steps(planId),
      this.explained(plan, { ordinal }),
    ]);
    const key = formatOrdinal(ordinal);
    return {
      planId,
      ordinal: key,
      name,
      state,
      wait: wait.waits[key] ?? null,
      limit: wait.wait?.limit ?? null,
      line: wait.wait?.line ?? null,
      reason,
      notBefore,
      worker,
      planReason: plan.reason,
      needs: needsOf(needs, all),
    };
  }

  /** `origin`: under which the reader reached us; the page's links begin with it. */
  async progress(planId: string, origin: string): Promise<string> {
    const plan = await this.plan(planId);
    const [steps, waits] = await Promise.all([this.o.views.steps(planId), this.waits(plan)]);
    return renderProgress(plan, steps, { nowMs: Date.now(), waits, links: `${origin}/v1/plans/${planId}` });
  }

  async attempts(planId: string, stepText: string): Promise<AttemptListAnswer> {
    const step = await this.step(planId, stepText);
    const attempts = await this.o.views.attempts(planId, step.ordinal);
    return { attempts: attempts.map((attempt) => ({ ...attempt, ordinal: formatOrdinal(attempt.ordinal) })) };
  }

  /** Log or diff of an attempt. A lost artifact is said to be lost: the ledger still knows the attempt. */
  async artifact(planId: string, stepText: string, attempt: number, kind: 'log' | 'diff'): Promise<string> {
    const { key, what } = await this.artifactOf(planId, stepText, attempt, kind);
    return this.textAt(key, what);
  }

  /** The log of an attempt from the byte `from` on, a page of it. Of the attempt that runs, what there is by now. */
  async logAfter(planId: string, stepText: string, attempt: number, from: number): Promise<Buffer> {
    const { key, what } = await this.artifactOf(planId, stepText, attempt, 'log');
    const content = await this.o.artifacts.get(key, LOG_PAGE_BYTES, from);
    if (content) return content;
    throw artifactLost(what);
  }

  private async artifactOf(
    planId: string,
    stepText: string,
    attempt: number,
    kind: 'log' | 'diff',
  ): Promise<{ key: string; what: string }> {
    const step = await this.step(planId, stepText);
    if (step.kind === 'integrate' && attempt === 1 && step.epoch > 0) {
      return { key: artifactKey(planId, step, attempt, kind), what: `${kind} of the integration` };
    }
    if (step.kind === 'baseline' && kind === 'log' && attempt === 1 && step.epoch > 0) {
      return { key: artifactKey(planId, step, attempt, kind), what: 'log of the baseline' };
    }
    const what = `${kind} of attempt ${attempt}`;
    const found = (await this.o.views.attempts(planId, step.ordinal)).find((one) => one.attempt === attempt);
    if (found) return { key: keyOf(found, kind), what };
    // Its worker writes it while it runs; the ledger hears of it at its end.
    if (kind === 'log' && step.state === 'running' && attempt === step.attemptsUsed + 1) {
      return { key: artifactKey(planId, step, attempt, kind), what };
    }
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
      if (integrate) {
        return this.textAt(artifactKey(planId, integrate, 1, 'diff'), 'diff of the integration');
      }
    }
    const parts: string[] = [];
    let bytes = 0;
    for (const accepted of await this.o.views.acceptedAttempts(planId, { limit: PLAN_DIFF_MAX_STEPS })) {
      if (!accepted.diffKey) continue;
      const what = `diff of attempt ${accepted.attempt}`;
      const text = await this.textAt(accepted.diffKey, what).catch(
        (error: unknown) => `# ${(error as Error).message}\n`,
      );
      bytes += Buffer.byteLength(text);
      if (bytes > PLAN_DIFF_MAX_BYTES)
        return `${parts.join('')}# cut here: the diffs are larger than 16 MB\n`;
      parts.push(text);
    }
    return parts.join('');
  }

  private async textAt(key: string, what: string): Promise<string> {
    const content = await this.o.artifacts.get(key, ARTIFACT_MAX_BYTES);
    if (content) return content.toString('utf8');
    throw artifactLost(what);
  }

  /** By ordinal (`s3`) or name. */
  async step(planId: string, text: string): Promise<StepView> {
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
    return (await this.explained(plan, {})).waits;
  }

  private async explained(
    { closed, planId }: PlanView,
    of: { ordinal?: number },
  ): Promise<Pick<CommandReply & { status: 'explained' }, 'waits' | 'wait'>> {
    if (closed) return { waits: {} };
    const reply = await this.o.commands.execute({ kind: 'explain', planId, ...of }, null);
    return reply.status === 'explained' ? reply : { waits: {} };
  }
}

function refuseCursor(error: unknown): never {
  if (error instanceof InvalidCursorError) throw new Problem(400, 'query-invalid', error.message);
  throw error;
}

const FAILED_SHOWN_MAX = 20;

function needsOf(names: readonly string[], steps: readonly StepView[]): ExplainAnswer['needs'] {
  return names.map((name) => {
    const own = steps.filter((step) => groupName(step) === name);
    const failed = own.filter(({ state }) => FAILED.has(state));
    return {
      name,
      steps: own.length,
      met: own.filter(({ state }) => state === 'passed' || state === 'skipped').length,
      failed: failed.slice(0, FAILED_SHOWN_MAX).map(({ ordinal }) => formatOrdinal(ordinal)),
    };
  });
}

const FAILED: ReadonlySet<string> = new Set(['blocked', 'poisoned', 'cancelled']);

function keyOf(attempt: AttemptView, kind: 'log' | 'diff'): string {
  const key = kind === 'log' ? attempt.logKey : attempt.diffKey;
  if (key) return key;
  throw new Problem(404, `${kind}-none`, `attempt ${attempt.attempt} left no ${kind}`);
}

/** Where a step's worker files what it writes: the integration, which has no attempts of its own, as if it had one. */
function artifactKey(planId: string, step: StepView, attempt: number, kind: 'log' | 'diff'): string {
  return `${planId}/${formatOrdinal(step.ordinal)}/${attempt}-${step.epoch}.${kind}`;
}

function artifactLost(what: string): Problem {
  return new Problem(404, 'artifact-lost', `the ${what} is lost: the artifact store does not have it`);
}

function stepBody(step: StepView) {
  const { ordinal, attemptsUsed, ...rest } = step;
  return { ordinal: formatOrdinal(ordinal), attempts: attemptsUsed, ...rest };
}
