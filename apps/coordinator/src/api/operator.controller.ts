import { Body, Controller, Headers, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { PlanCommandInput } from '#domain';
import { currentTraceparent, inSpan, names } from '#telemetry';
import { PlanCommands, type PlanCommand } from '../commands/plan-commands.ts';
import { actorOf, parentOf } from './caller.ts';
import { decided } from './decided.ts';
import { etagOf, seqOf } from './etag.ts';
import type { RetryBody, WhyBody } from './operator-bodies.ts';
import { PlanReader } from './plan-reader.ts';

type Sent = Record<'if-match' | 'traceparent' | 'x-skein-actor', string | undefined>;
type Asked = Pick<PlanCommandInput, 'by' | 'why'> & { expectedSeq: number | null };

/** What an operator does to a plan. Answered with the plan as it is then. */
@Controller('v1/plans')
export class OperatorController {
  constructor(
    private readonly commands: PlanCommands,
    private readonly reader: PlanReader,
  ) {}

  @Post(':planId/cancel')
  async cancel(
    @Param('planId') planId: string,
    @Body() body: WhyBody,
    @Headers() sent: Sent,
    @Res({ passthrough: true }) response: FastifyReply,
  ) {
    await this.reader.head(planId);
    // In words that every replica understands, also one of before there were other commands.
    const command = { kind: 'cancel' as const, planId, ...asked(sent, body?.why) };
    return this.carryOut(command, sent, response);
  }

  @Post(':planId/pause')
  async pause(
    @Param('planId') planId: string,
    @Body() body: WhyBody,
    @Headers() sent: Sent,
    @Res({ passthrough: true }) response: FastifyReply,
  ) {
    await this.reader.head(planId);
    return this.operate(planId, { kind: 'pause', ...asked(sent, body?.why) }, sent, response);
  }

  @Post(':planId/resume')
  async resume(
    @Param('planId') planId: string,
    @Body() body: WhyBody,
    @Headers() sent: Sent,
    @Res({ passthrough: true }) response: FastifyReply,
  ) {
    await this.reader.head(planId);
    return this.operate(planId, { kind: 'resume', ...asked(sent, body?.why) }, sent, response);
  }

  @Post(':planId/steps/:step/retry')
  async retry(
    @Param() params: { planId: string; step: string },
    @Body() body: RetryBody,
    @Headers() sent: Sent,
    @Res({ passthrough: true }) response: FastifyReply,
  ) {
    const { attempts = null, note = null } = body ?? {};
    const input = { kind: 'retry' as const, attempts, note, ...asked(sent, body?.why) };
    return this.onStep(params, input, sent, response);
  }

  /** A retry of a dead letter, and of nothing else. */
  @Post(':planId/steps/:step/redrive')
  async redrive(
    @Param() params: { planId: string; step: string },
    @Body() body: WhyBody,
    @Headers() sent: Sent,
    @Res({ passthrough: true }) response: FastifyReply,
  ) {
    const only = { attempts: null, note: null, onlyPoisoned: true };
    return this.onStep(params, { kind: 'retry', ...only, ...asked(sent, body?.why) }, sent, response);
  }

  @Post(':planId/steps/:step/skip')
  async skip(
    @Param() params: { planId: string; step: string },
    @Body() body: WhyBody,
    @Headers() sent: Sent,
    @Res({ passthrough: true }) response: FastifyReply,
  ) {
    return this.onStep(params, { kind: 'skip', ...asked(sent, body?.why) }, sent, response);
  }

  @Post(':planId/steps/:step/kill')
  async kill(
    @Param() params: { planId: string; step: string },
    @Body() body: WhyBody,
    @Headers() sent: Sent,
    @Res({ passthrough: true }) response: FastifyReply,
  ) {
    return this.onStep(params, { kind: 'kill', ...asked(sent, body?.why) }, sent, response);
  }

  private async onStep(
    { planId, step }: { planId: string; step: string },
    input: WithoutOrdinal<Extract<PlanCommandInput, { ordinal: number }>>,
    sent: Sent,
    response: FastifyReply,
  ) {
    const { ordinal } = await this.reader.step(planId, step);
    return this.operate(planId, { ...input, ordinal }, sent, response);
  }

  private operate(planId: string, input: PlanCommandInput, sent: Sent, response: FastifyReply) {
    return this.carryOut({ kind: 'operate', planId, input }, sent, response);
  }

  private async carryOut(command: PlanCommand, sent: Sent, response: FastifyReply) {
    const { planId } = command;
    const span = command.kind === 'cancel' ? names.spans.planCancel : names.spans.planOperate;
    await inSpan(
      span,
      { [names.attributes.planId]: planId },
      async () => decided(await this.commands.execute(command, currentTraceparent())),
      { parent: parentOf(sent.traceparent), kind: 'server' },
    );
    const plan = await this.reader.plan(planId);
    void response.status(200).header('etag', etagOf(plan));
    return plan;
  }
}

type WithoutOrdinal<T> = T extends unknown ? Omit<T, 'ordinal'> : never;

function asked(sent: Sent, why: string | undefined): Asked {
  return { by: actorOf(sent['x-skein-actor']), why: why ?? null, expectedSeq: seqOf(sent['if-match']) };
}
