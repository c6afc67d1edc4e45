import { Body, Controller, Headers, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { currentTraceparent, inSpan, names } from '#telemetry';
import { PlanCommands, newIdempotencyKey, planIdFor } from '../commands/plan-commands.ts';
import { actorOf, parentOf } from './caller.ts';
import { decided } from './decided.ts';
import type { ForkedAnswer } from './describing/operator-answers.ts';
import type { ForkBody } from './operator-bodies.ts';
import { PlanForks } from './plan-fork.ts';
import { PlanReader } from './plan-reader.ts';

/** A new plan that goes on from what another one had come to. */
@Controller('v1/plans')
export class ForkController {
  constructor(
    private readonly commands: PlanCommands,
    private readonly forks: PlanForks,
    private readonly reader: PlanReader,
  ) {}

  @Post(':planId/fork')
  async fork(
    @Param('planId') originId: string,
    @Body() body: ForkBody,
    @Headers() sent: Record<string, string | undefined>,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<ForkedAnswer> {
    await this.reader.head(originId);
    const fork = await this.forks.of(originId, body);
    const key = sent['idempotency-key'] ?? newIdempotencyKey();
    // A fork belongs to whom its origin belongs.
    const { tenant } = fork;
    const planId = planIdFor(tenant, key);
    const by = actorOf(sent['x-skein-actor']);
    const parent = parentOf(sent['traceparent']);
    const reply = await inSpan(
      names.spans.planSubmit,
      { [names.attributes.planId]: planId, [names.attributes.planName]: fork.definition.name },
      async () => {
        const current = currentTraceparent();
        const traceparent = parent === null ? null : current;
        const submission = { ...fork, idempotencyKey: key, by, traceparent };
        return decided(await this.commands.execute({ kind: 'submit', planId, submission }, current));
      },
      { parent, kind: 'server' },
    );
    const created = reply.next === 'continue';
    const url = `/v1/plans/${planId}`;
    void response.status(created ? 201 : 200).header('location', url);
    // As it is recorded: a fork of the same key may have been made when its origin was elsewhere.
    const submitted = (await this.reader.submitted(planId)) ?? fork;
    const { seq, results } = submitted.forkedFrom ?? fork.forkedFrom;
    const { name } = submitted.definition;
    return { planId, name, url, created, origin: originId, atSeq: seq, takenOver: Object.keys(results) };
  }
}
