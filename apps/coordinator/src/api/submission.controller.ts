import { Body, Controller, Headers, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import {
  digestWithGiven,
  parsePlan,
  repoBaseProblem,
  repoUrlProblem,
  show,
  type PlanProblem,
} from '#contracts';
import type { PlanDefinition } from '#domain';
import { currentTraceparent, inSpan, names } from '#telemetry';
import { PlanCommands, newIdempotencyKey, planIdFor, submissionDigest } from '../commands/plan-commands.ts';
import { TENANT, actorOf, parentOf } from './caller.ts';
import type { SubmissionBody } from './command-bodies.ts';
import { decided } from './decided.ts';
import type { DryRunAnswer } from './describing/answers.ts';
import type { SubmitQuery } from './describing/queries.ts';
import { PlanReader } from './plan-reader.ts';
import { Problem } from './problem.ts';
import { PlanLimits } from './plan-limits.ts';

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
    const definition = this.parse(body);
    if (query.dryRun === 'true') {
      void response.status(200);
      return this.dryRun(body, definition, givenKey ?? null);
    }
    const key = givenKey ?? newIdempotencyKey();
    const parent = parentOf(rawTraceparent);
    const planId = planIdFor(TENANT, key);
    const submission = {
      tenant: TENANT,
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
    key: string | null,
  ): Promise<DryRunAnswer> {
    const digest = digestOf(body, definition);
    const planId = key === null ? null : planIdFor(TENANT, key);
    const existing = planId === null ? null : await this.reader.digest(planId);
    if (existing !== null && existing !== digest) {
      const detail = `the Idempotency-Key was used before for another plan text (plan ${planId}); use a new key`;
      throw new Problem(422, 'idempotency-key-reused', detail);
    }
    const { name, repo, steps } = definition;
    return { dryRun: true, planId, exists: existing !== null, name, digest, steps: steps.length, repo };
  }

  private parse({ text, repoUrl, base, params = {}, files = {} }: SubmissionBody): PlanDefinition {
    const { maxBytes, maxSteps } = this.limits;
    const absoluteRepo = repoUrl === undefined;
    const parsed = parsePlan(text, { maxBytes, maxSteps, absoluteRepo, params, files });
    if (!parsed.ok) throw invalidPlan(parsed.problems);
    const { definition } = parsed;
    if (repoUrl === undefined && base === undefined) return definition;
    if (!definition.repo) {
      const given = repoUrl === undefined ? 'base' : 'repoUrl';
      throw new Problem(
        422,
        'plan-invalid',
        `${given} was given, but the plan names no repository (key \`repo\`)`,
      );
    }
    // They take the place of what was checked: the same rules hold for them.
    const wrongUrl = repoUrl === undefined ? null : repoUrlProblem(repoUrl);
    if (wrongUrl !== null) throw new Problem(422, 'repo-url-invalid', `repoUrl: ${wrongUrl}`);
    const wrongBase = base === undefined ? null : repoBaseProblem(base);
    if (wrongBase !== null) throw new Problem(422, 'base-invalid', `base: ${wrongBase}`);
    const { repo } = definition;
    return { ...definition, repo: { url: repoUrl ?? repo.url, base: base ?? repo.base } };
  }
}

function digestOf(
  { text, base, params = {}, files = {} }: SubmissionBody,
  definition: PlanDefinition,
): string {
  return digestWithGiven(submissionDigest(text, definition, base), { params, files });
}

function invalidPlan(problems: PlanProblem[]): Problem {
  const tooLarge = problems.find((problem) => problem.code === 'text-too-large');
  const first = problems[0];
  const file = first?.file === undefined ? '' : `${show(first.file)}, `;
  const where = first ? ` (${file}line ${first.line}, column ${first.column})` : '';
  const detail = `the plan has ${problems.length} problem${problems.length === 1 ? '' : 's'}; the first${where}: ${first?.message ?? ''}`;
  return new Problem(tooLarge ? 413 : 422, 'plan-invalid', detail, { problems });
}
