import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AnswerTooLargeError, MessageTooLargeError, type DeciderClient } from '#bus';
import {
  formatOrdinal,
  type Actor,
  type LimitsInput,
  type LimitsReply,
  type PlanCommandInput,
  type PlanDefinition,
  type PlanInput,
  type PlanReply,
  type PlanSubmitted,
  type StepWait,
} from '#domain';
import type { Logger } from '#telemetry';
import { systemClock, type Clock } from '../deciding/clock.ts';
import type { Decider } from '../deciding/decider.ts';
import type { Elector } from '../deciding/elector.ts';
import { limitsReport, type LimitsReport } from '../deciding/limits-report.ts';
import { DeciderBusyError, LedgerDownError, NotDeciderError } from '../deciding/errors.ts';

/** What a client can ask of the decider, from whichever replica it reached. */
export type PlanCommand =
  | { kind: 'submit'; planId: string; submission: PlanSubmitted }
  /** `expectedSeq`: nothing is done when the plan is not there any more; null: wherever it is. */
  | { kind: 'cancel'; planId: string; by: Actor; why: string | null; expectedSeq: number | null }
  | { kind: 'operate'; planId: string; input: PlanCommandInput }
  /** Of all open steps, or of one. */
  | { kind: 'explain'; planId: string; ordinal?: number };

/** What concerns the fleet as a whole. */
export type FleetCommand = { kind: 'limits' } | { kind: 'change-limits'; input: LimitsInput };
export type Command = PlanCommand | FleetCommand;

export type CommandReply =
  | { status: 'decided'; reply: PlanReply }
  /** `wait`: of the one step that was asked for; absent when an older replica answers. */
  | { status: 'explained'; waits: Record<string, string>; wait?: StepWait | null }
  | { status: 'limits'; report: LimitsReport }
  | { status: 'limits-decided'; reply: LimitsReply }
  | { status: 'unavailable'; code: string; reason: string };

/** Senders are replicas of ours: the envelope is checked, what is inside was checked by the API of the sender. */
const planId = z.string().regex(/^[a-z0-9]{8,64}$/);
const commandEnvelope = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.enum(['submit', 'cancel', 'explain']), planId }),
  z.looseObject({ kind: z.literal('limits') }),
  z.looseObject({ kind: z.literal('change-limits'), input: z.looseObject({}) }),
  z.looseObject({
    kind: z.literal('operate'),
    planId,
    // What a newer replica may ask for, and this one has never heard of, is refused, not thrown on.
    input: z.looseObject({ kind: z.enum(['cancel', 'pause', 'resume', 'retry', 'skip', 'kill']) }),
  }),
]);

export interface PlanCommandsOptions {
  elector: () => Elector;
  client: DeciderClient;
  log: Logger;
  /** How long a standby asks around before it gives up. */
  forwardTimeoutMs: number;
  /** Default: the system's. */
  clock?: Clock;
}

export const EXPLAINED_STEPS = 500;

/** Carries commands to the decider: directly when this replica is it, else over NATS to the one that is. */
export class PlanCommands {
  constructor(private readonly o: PlanCommandsOptions) {}

  async execute(command: Command, traceparent: string | null): Promise<CommandReply> {
    const reply = await this.carry(command, traceparent);
    // With the trace of the request: from a client's trace to the plan, and back.
    if (command.kind !== 'explain' && command.kind !== 'limits')
      this.o.log.info(summaryOf(command, reply), 'A command was answered');
    return reply;
  }

  private async carry(command: Command, traceparent: string | null): Promise<CommandReply> {
    if (this.o.elector().current) {
      const reply = await this.decideHere(command, traceparent);
      if (reply.status !== 'unavailable' || reply.code !== 'not-decider') return reply;
    }
    return this.forward(command, traceparent);
  }

  /** What another replica forwarded. Must not forward again: two standbys would play ping-pong. */
  async executeForwarded(message: unknown, traceparent: string | null): Promise<CommandReply> {
    const envelope = commandEnvelope.safeParse(message);
    if (!envelope.success)
      return { status: 'unavailable', code: 'malformed-command', reason: 'malformed command' };
    return this.decideHere(message as Command, traceparent);
  }

  private async decideHere(command: Command, traceparent: string | null): Promise<CommandReply> {
    const decider = this.o.elector().current;
    if (!decider) return unavailable(new NotDeciderError());
    if (command.kind === 'explain') return explained(decider, command);
    if (command.kind === 'limits') return { status: 'limits', report: limitsReport(decider) };
    try {
      if (command.kind === 'change-limits') {
        const changed = await decider.changeLimits(command.input, traceparent);
        return { status: 'limits-decided', reply: changed };
      }
      const reply = await decider.submit(command.planId, inputOf(command), traceparent);
      return { status: 'decided', reply };
    } catch (error) {
      if (
        error instanceof NotDeciderError ||
        error instanceof DeciderBusyError ||
        error instanceof LedgerDownError
      ) {
        return unavailable(error);
      }
      throw error;
    }
  }

  private async forward(command: Command, traceparent: string | null): Promise<CommandReply> {
    const { signal, calloff } = this.patience();
    try {
      return (await this.o.client.request('command', command, signal, { traceparent })) as CommandReply;
    } catch (error) {
      if (error instanceof MessageTooLargeError) {
        const reason = `this replica does not decide, and the command cannot be forwarded: ${error.message}; raise max_payload of the NATS server`;
        return { status: 'unavailable', code: 'too-large-to-forward', reason };
      }
      if (error instanceof AnswerTooLargeError) {
        const reason = `this replica does not decide, and the decider's answer cannot be forwarded (what was asked is done): ${error.message}; raise max_payload of the NATS server`;
        return { status: 'unavailable', code: 'too-large-to-forward', reason };
      }
      if (!signal.aborted) throw error;
      this.o.log.warn(
        { command: command.kind, ...('planId' in command && { planId: command.planId }) },
        'No decider answered a command in time',
      );
      return {
        status: 'unavailable',
        code: 'no-decider',
        reason: 'no coordinator decides right now (one is taking over); try again in a few seconds',
      };
    } finally {
      calloff();
    }
  }

  private patience(): { signal: AbortSignal; calloff: () => void } {
    const controller = new AbortController();
    const { clock = systemClock, forwardTimeoutMs } = this.o;
    return { signal: controller.signal, calloff: clock.schedule(forwardTimeoutMs, () => controller.abort()) };
  }
}

function explained(
  decider: Decider,
  { planId, ordinal }: Extract<PlanCommand, { kind: 'explain' }>,
): CommandReply {
  if (ordinal === undefined) return { status: 'explained', waits: decider.explain(planId, EXPLAINED_STEPS) };
  const wait = decider.explainStep(planId, ordinal);
  return { status: 'explained', waits: wait ? { [formatOrdinal(ordinal)]: wait.text } : {}, wait };
}

function inputOf(command: Exclude<PlanCommand, { kind: 'explain' }>): PlanInput {
  if (command.kind === 'operate') return command.input;
  if (command.kind === 'submit') return { kind: 'submit', submission: command.submission };
  const { by, why, expectedSeq } = command;
  return { kind: 'cancel', by, why, expectedSeq };
}

function summaryOf(command: Command, reply: CommandReply): object {
  const kind = command.kind === 'operate' ? command.input.kind : command.kind;
  const about = 'planId' in command ? { command: kind, planId: command.planId } : { command: kind };
  if (reply.status !== 'decided' && reply.status !== 'limits-decided')
    return { ...about, answer: reply.status };
  const { status } = reply.reply;
  return { ...about, answer: status, ...('code' in reply.reply && { code: reply.reply.code }) };
}

function unavailable(error: NotDeciderError | DeciderBusyError | LedgerDownError): CommandReply {
  return { status: 'unavailable', code: error.code, reason: error.message };
}

/** A plan's id follows from (tenant, Idempotency-Key), so that a repeated submission is the same plan. */
export function planIdFor(tenant: string, idempotencyKey: string): string {
  return createHash('sha256').update(`${tenant}\n${idempotencyKey}`).digest('hex').slice(0, 20);
}

export function newIdempotencyKey(): string {
  return randomUUID();
}

/** What the plan is pinned to: its text, and the repository when that was given beside it. */
export function submissionDigest(text: string, definition: PlanDefinition): string {
  return createHash('sha256')
    .update(text)
    .update('\n')
    .update(definition.repo?.url ?? '')
    .digest('hex');
}
