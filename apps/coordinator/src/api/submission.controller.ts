import { Body, Controller, Headers, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { PlanDefinition } from '#domain';
import { currentTraceparent, inSpan, names } from '#telemetry';
import { PlanCommands, newIdempotencyKey, planIdFor } from '../commands/plan-commands.ts';
import { actorOf, parentOf, tenantOf } from './caller.ts';
import type { SubmissionBody } from './command-bodies.ts';
import { decided } from './decided.ts';
import type { DryRunAnswer } from './describing/answers.ts';
import type { SubmitQuery } from './describing/queries.ts';
import { PlanReader } from './plan-reader.ts';
import { Problem } from './problem.ts';
import { PlanLimits } from './plan-limits.ts';
import { digestOf, parseSubmission } from './submitted-plan.ts';

@Controller('v1/plans')
export class SubmissionController {
  constructor(
    private readonly commands: PlanCommands,
    private readonly reader: PlanReader,
    private readonly limits: PlanLimits,
  ) {}

  @Post()
  async submit(
    @Body() body: SubmissionBody,
    @Query() query: SubmitQuery,
    @Headers('idempotency-key') givenKey: string | undefined,
    @Headers('traceparent') rawTraceparent: string | undefined,
    @Headers('x-skein-actor') rawActor: string | undefined,
    @Res({ passthrough: true }) response: FastifyReply,
  ) {
    const definition = parseSubmission(body, this.limits);
    const tenant = tenantOf(body.tenant, this.limits.tenants);
    if (query.dryRun === 'true') {
      void response.status(200);
      return this.dryRun(body, definition, givenKey === undefined ? null : planIdFor(tenant, givenKey));
    }
    const key = givenKey ?? newIdempotencyKey();
    const parent = parentOf(rawTraceparent);
    const planId = planIdFor(tenant, key);
    const submission = {
      tenant,
      definition,
      digest: digestOf(body, definition),
      idempotencyKey: key,
      by: actorOf(rawActor),
    };
    const reply = await inSpan(
      names.spans.planSubmit,
      { [names.attributes.planId]: planId, [names.attributes.planName]: definition.name },
      async () => {
        const current = currentTraceparent();
        // A client that traces gets the leases in its trace. Without one each lease has a trace of its own: together
        // with the submission they would be one trace of a whole plan, which no viewer can show.
        const traceparent = parent === null ? null : current;
        const submit = { kind: 'submit' as const, planId, submission: { ...submission, traceparent } };
        return decided(await this.commands.execute(submit, current));
      },
      { parent, kind: 'server' },
    );
    // `continue`: the plan begins now; `stop`: it was there.
    void response.status(reply.next === 'continue' ? 201 : 200).header('location', `/v1/plans/${planId}`);
    return { planId, name: definition.name, url: `/v1/plans/${planId}`, created: reply.next === 'continue' };
  }

  /** What a submission would be answered with, but for who decides: nothing is asked of the decider, nothing written. */
  private async dryRun(
    body: SubmissionBody,
    definition: PlanDefinition,
    planId: string | null,
  ): Promise<DryRunAnswer> {
    const digest = digestOf(body, definition);
    const existing = planId === null ? null : await this.reader.digest(planId);
    if (existing !== null && existing !== digest) {
      const detail = `the Idempotency-Key was used before for another plan text (plan ${planId}); use a new key`;
      throw new Problem(422, 'idempotency-key-reused', detail);
    }
    const { name, repo, steps } = definition;
    return { dryRun: true, planId, exists: existing !== null, name, digest, steps: steps.length, repo };
  }
}
