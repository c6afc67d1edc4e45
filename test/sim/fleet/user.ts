import type { PlanInput, PlanReply, PlanSubmitted } from '#domain';
import type { Chance } from '../core/chance.ts';
import type { Fleet } from './fleet.ts';
import type { Surroundings } from './surroundings.ts';
import type { Operation, PlannedPlan } from '../plans/planned-plan.ts';

/** What was asked for, and what the fleet said to it in the end. */
export interface Answered {
  planId: string;
  asked: 'submit' | 'submit-other' | Operation['verb'];
  /** Of the step that was meant. */
  ordinal: number | null;
  reply: PlanReply;
  /** When it was asked for at first (true ms). */
  askedMs: number;
}

const TRY_MS = 6_000;
const BY = { name: 'somebody', via: 'rest' };

/**
 * People with their plans: each request goes to some replica that is up, and is repeated there or elsewhere until one
 * answers. A request whose answer got lost may have been carried out, so it may be carried out twice.
 */
export class User {
  /** Requests that nobody has answered yet. */
  waiting = 0;
  private readonly chance: Chance;

  constructor(
    private readonly around: Surroundings,
    private readonly fleet: Fleet,
    private readonly onAnswer: (answered: Answered) => void,
    /** Steps that a verb makes sense for, as the ledger shows them. */
    private readonly candidates: (planId: string, verb: Operation['verb']) => number[],
  ) {
    this.chance = around.chance.fork('user');
  }

  start(): void {
    for (const plan of this.around.scenario.plans) {
      this.later(plan.submitAtMs, () => this.submit(plan, 'submit'));
      plan.repeats.forEach((repeat, index) => {
        const afterMs = plan.submitAtMs + this.chance.between(0, 3_000) * (index + 1);
        this.later(afterMs, () => this.submit(plan, repeat === 'same' ? 'submit' : 'submit-other'));
      });
      for (const operation of plan.operations)
        this.later(plan.submitAtMs + operation.afterMs, () => this.operate(plan, operation));
    }
  }

  /** Nobody forgets a plan that he has paused; a request that was late may have paused it once more. */
  resume(planId: string): void {
    this.ask(planId, 'resume', null, { kind: 'resume', by: BY, why: null });
  }

  private later(atMs: number, task: () => void): void {
    this.waiting += 1;
    this.around.world.at(atMs, () => {
      this.waiting -= 1;
      task();
    });
  }

  private submit(plan: PlannedPlan, asked: 'submit' | 'submit-other'): void {
    const submission: PlanSubmitted = {
      tenant: plan.tenant,
      definition: plan.definition,
      digest: asked === 'submit' ? `digest of ${plan.planId}` : 'another text',
      idempotencyKey: plan.planId,
      by: BY,
      traceparent: null,
    };
    this.ask(plan.planId, asked, null, { kind: 'submit', submission });
  }

  private operate(plan: PlannedPlan, { verb, choice }: Operation): void {
    const { planId } = plan;
    const common = { by: BY, why: null };
    if (verb === 'cancel' || verb === 'pause' || verb === 'resume')
      return this.ask(planId, verb, null, { kind: verb, ...common });
    const ordinals = this.candidates(planId, verb);
    const ordinal = ordinals[(choice ?? 0) % ordinals.length];
    if (ordinal === undefined) return;
    const input: PlanInput =
      verb === 'retry'
        ? { kind: 'retry', ordinal, attempts: null, note: 'look again', ...common }
        : { kind: verb, ordinal, ...common };
    this.ask(planId, verb, ordinal, input);
  }

  private ask(planId: string, asked: Answered['asked'], ordinal: number | null, input: PlanInput): void {
    this.waiting += 1;
    const { world } = this.around;
    const askedMs = world.nowMs;
    let answered = false;
    const answer = (reply: PlanReply): void => {
      if (answered) return;
      answered = true;
      this.waiting -= 1;
      this.onAnswer({ planId, asked, ordinal, reply, askedMs });
    };
    const turn = (): void => {
      if (answered) return;
      this.askOnce(planId, input, answer);
      world.after(TRY_MS + this.chance.between(0, 1_000), turn);
    };
    turn();
  }

  private askOnce(planId: string, input: PlanInput, answer: (reply: PlanReply) => void): void {
    const replicas = this.fleet.replicas.filter((replica) => replica.isUp);
    if (replicas.length === 0) return;
    const replica = this.chance.pick(replicas);
    replica.process.after(this.chance.between(1, 10), () => {
      const replying = this.carry(planId, input, replica);
      replying?.then(
        // The way back: the replica may be gone, or stopped, before it has answered.
        (reply) => reply && replica.process.after(this.chance.between(1, 10), () => answer(reply)),
        () => undefined,
      );
    });
  }

  private carry(
    planId: string,
    input: PlanInput,
    replica: Fleet['replicas'][number],
  ): Promise<PlanReply | null> | null {
    if (input.kind === 'submit') {
      const { submission } = input;
      return replica.execute({ kind: 'submit', planId, submission }).then((reply) => decidedOf(reply));
    }
    if (input.kind === 'cancel') {
      const { by, why } = input;
      return replica
        .execute({ kind: 'cancel', planId, by, why, expectedSeq: null })
        .then((reply) => decidedOf(reply));
    }
    return replica.submit(planId, input);
  }
}

function decidedOf(reply: { status: string; reply?: PlanReply }): PlanReply | null {
  return reply.status === 'decided' && reply.reply ? reply.reply : null;
}
