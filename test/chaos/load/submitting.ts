import { setTimeout as wait } from 'node:timers/promises';
import type { FleetClient, PlanSummary } from '../fleet/fleet-client.ts';
import type { Shape } from './shape.ts';

export interface Submitted {
  planId: string;
  shape: Shape;
  submittedAt: number;
  cancelAsked: boolean;
  closed: PlanSummary | null;
  /** Steps that an operator tried again, because the faults had used up what a step may give back. */
  retries: number;
}

/** As many as keep four workers busy; more would only wait. */
const OPEN_MAX = 10;
const LOOK_EVERY_MS = 400;

export interface LoadOptions {
  client: FleetClient;
  shapes: Iterator<Shape>;
  /** Of the run: keys must be new. */
  key: string;
  say: (line: string) => void;
}

/** Submits plans, follows them to their end, and does what an operator would. */
export class Load {
  readonly plans: Submitted[] = [];
  private readonly o: LoadOptions;

  constructor(o: LoadOptions) {
    this.o = o;
  }

  get open(): Submitted[] {
    return this.plans.filter(({ closed }) => closed === null);
  }

  /** A new plan whenever one has ended. Ends with the signal. */
  async submitUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await Promise.all([this.look(), this.open.length < OPEN_MAX ? this.submit() : null]);
      await wait(LOOK_EVERY_MS);
    }
  }

  /** False: some plan did not close in time. */
  async allClosed(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (this.open.length > 0) {
      if (performance.now() > deadline) return false;
      await this.look();
      await wait(LOOK_EVERY_MS);
    }
    return true;
  }

  private async submit(): Promise<void> {
    const shape = this.o.shapes.next().value as Shape;
    const key = `${this.o.key}-${this.plans.length + 1}`;
    const { status, body } = await this.o.client.ask('/v1/plans', { body: { text: shape.text }, key });
    if (status >= 300)
      throw new Error(`a plan was refused: ${status} ${JSON.stringify(body)}\n${shape.text}`);
    const planId = body['planId'] as string;
    const submittedAt = Date.now();
    this.plans.push({ planId, shape, submittedAt, cancelAsked: false, closed: null, retries: 0 });
  }

  private async look(): Promise<void> {
    await Promise.all(this.open.map((plan) => this.follow(plan)));
  }

  private async follow(plan: Submitted): Promise<void> {
    const { cancelAfterMs } = plan.shape;
    if (cancelAfterMs !== null && !plan.cancelAsked && Date.now() > plan.submittedAt + cancelAfterMs) {
      plan.cancelAsked = true;
      // Refused is fine: then it must complete.
      await this.o.client.ask(`/v1/plans/${plan.planId}/cancel`, { body: { why: 'chaos' } });
    }
    const summary = await this.o.client.plan(plan.planId);
    if (!summary.closed) return;
    if (summary.status === 'halted' && (await this.retried(plan))) return;
    plan.closed = summary;
  }

  /** Faults that never end in time block a step; whoever is paged tries it again when they are over. */
  private async retried(plan: Submitted): Promise<boolean> {
    const steps = await this.o.client.steps(plan.planId);
    const given = steps.filter(
      ({ state, reason }) => state === 'blocked' && reason?.code === 'fault-persists',
    );
    for (const { ordinal, name, reason } of given) {
      plan.retries += 1;
      this.o.say(`retrying ${name} of ${plan.planId}: ${reason!.message.slice(0, 200)}`);
      await this.o.client.ask(`/v1/plans/${plan.planId}/steps/${ordinal}/retry`, { body: { why: 'chaos' } });
    }
    return given.length > 0;
  }
}
