import {
  FLEET_STREAM,
  definitionOf,
  evolve,
  forkedFrom,
  fromIso,
  initialPlanState,
  toIso,
  type LimitsReply,
  type PlanCommandInput,
  type PlanReply,
  type PlanState,
  type PlanSubmitted,
} from '#domain';
import type { Command, CommandReply } from '../../../apps/coordinator/src/commands/plan-commands.ts';
import type { Chance } from '../core/chance.ts';
import { EPOCH_MS } from '../core/process.ts';
import type { Fleet } from './fleet.ts';
import type { Surroundings } from './surroundings.ts';
import { REDRIVE } from '../oracle/plan-record.ts';
import { forkOf, type Asked, type Operation, type PlannedPlan } from '../plans/planned-plan.ts';

/** What was asked for, and what the fleet said to it in the end. */
export interface Answered {
  planId: string;
  asked: Asked;
  /** Of the step that was meant. */
  ordinal: number | null;
  reply: PlanReply | LimitsReply;
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
  /** How many dead letters are still redriven. */
  private readonly redrives = new Map<string, number>();

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
    for (const { atMs, limits } of this.around.scenario.changes) this.later(atMs, () => this.change(limits));
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

  private change(limits: Record<string, number | null>): void {
    const input = { by: BY, why: null, limits, expectedSeq: null };
    this.ask(FLEET_STREAM, 'limits', null, { kind: 'change-limits', input });
  }

  /** Somebody is paged for a dead letter. */
  paged(planId: string, ordinal: number): void {
    const plan = this.around.planOf(planId);
    const left = this.redrives.get(planId) ?? plan?.redrives ?? 0;
    if (left === 0) return;
    this.redrives.set(planId, left - 1);
    const afterMs = this.chance.between(100, 4_000);
    this.later(this.around.world.nowMs + afterMs, () => this.redrive(planId, ordinal));
  }

  /** Nobody forgets a plan that he has paused; a request that was late may have paused it once more. */
  resume(planId: string): void {
    this.command(planId, 'resume', null, { kind: 'resume', by: BY, why: null });
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
    this.ask(plan.planId, asked, null, { kind: 'submit', planId: plan.planId, submission });
  }

  private operate(plan: PlannedPlan, { verb, choice }: Operation): void {
    const { planId } = plan;
    const common = { by: BY, why: null };
    if (verb === 'fork') return void this.fork(plan, choice ?? 0);
    if (verb === 'cancel')
      return this.ask(planId, verb, null, { kind: verb, planId, ...common, expectedSeq: null });
    if (verb === 'pause' || verb === 'resume')
      return this.command(planId, verb, null, { kind: verb, ...common });
    const ordinals = this.candidates(planId, verb);
    const ordinal = ordinals[(choice ?? 0) % ordinals.length];
    if (ordinal === undefined) return;
    if (verb === 'redrive') return this.redrive(planId, ordinal);
    const input: PlanCommandInput =
      verb === 'retry'
        ? { kind: 'retry', ordinal, attempts: null, note: 'look again', ...common }
        : { kind: verb, ordinal, ...common };
    this.command(planId, verb, ordinal, input);
  }

  /** As the API has it: a retry of a dead letter and of nothing else, at once or when those before it had their turn. */
  private redrive(planId: string, ordinal: number): void {
    const atMs = EPOCH_MS + this.around.world.nowMs + this.chance.int(500, 6_000);
    const notBefore = this.chance.bool(0.5) ? toIso(atMs) : null;
    const only = { attempts: null, note: null, onlyPoisoned: true, notBefore };
    this.command(planId, 'redrive', ordinal, { kind: 'retry', ordinal, ...only, by: BY, why: REDRIVE });
  }

  /** From any event of the plan, with its own text, on the base that it stands on. */
  private async fork({ planId, tenant }: PlannedPlan, choice: number): Promise<void> {
    this.waiting += 1;
    const origin = await this.stateOf(planId, choice);
    this.waiting -= 1;
    if (!origin) return;
    const before = definitionOf(origin);
    const { baseSha } = origin;
    const isPinned = before.repo && baseSha !== null;
    const definition = isPinned ? { ...before, repo: { ...before.repo, base: baseSha } } : before;
    const forkId = forkOf(planId);
    const submission: PlanSubmitted = {
      tenant,
      definition: definition as PlanSubmitted['definition'],
      digest: `digest of ${forkId}`,
      idempotencyKey: forkId,
      by: BY,
      traceparent: null,
      forkedFrom: forkedFrom(origin, before),
    };
    this.ask(forkId, 'fork', null, { kind: 'submit', planId: forkId, submission });
  }

  /** The plan as of one of its events; null: there is no such plan yet. */
  private async stateOf(planId: string, choice: number): Promise<PlanState | null> {
    const { ledger } = this.around.postgres;
    const { seq } = await ledger.head(planId);
    if (seq === 0) return null;
    // Mostly as it is now, otherwise from some earlier event.
    const limit = choice % 3 === 0 ? 1 + ((choice * 7) % seq) : seq;
    const state = initialPlanState(planId);
    for (const { event, at } of await ledger.read(planId, 0, limit)) evolve(state, event, fromIso(at));
    return state;
  }

  private command(planId: string, asked: Asked, ordinal: number | null, input: PlanCommandInput): void {
    this.ask(planId, asked, ordinal, { kind: 'operate', planId, input });
  }

  private ask(planId: string, asked: Asked, ordinal: number | null, command: Command): void {
    this.waiting += 1;
    const { world } = this.around;
    const askedMs = world.nowMs;
    let answered = false;
    const answer = (reply: Answered['reply']): void => {
      if (answered) return;
      answered = true;
      this.waiting -= 1;
      this.onAnswer({ planId, asked, ordinal, reply, askedMs });
    };
    const turn = (): void => {
      if (answered) return;
      this.askOnce(command, answer);
      world.after(TRY_MS + this.chance.between(0, 1_000), turn);
    };
    turn();
  }

  private askOnce(command: Command, answer: (reply: Answered['reply']) => void): void {
    const replicas = this.fleet.replicas.filter((replica) => replica.isUp);
    if (replicas.length === 0) return;
    const replica = this.chance.pick(replicas);
    replica.process.after(this.chance.between(1, 10), () => {
      replica.execute(command).then(
        (told) => {
          const reply = decidedOf(told);
          // The way back: the replica may be gone, or stopped, before it has answered.
          if (reply) replica.process.after(this.chance.between(1, 10), () => answer(reply));
        },
        () => undefined,
      );
    });
  }
}

function decidedOf(told: CommandReply): Answered['reply'] | null {
  return told.status === 'decided' || told.status === 'limits-decided' ? told.reply : null;
}
