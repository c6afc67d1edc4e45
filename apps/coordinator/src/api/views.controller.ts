import { Controller, Get, Header, Headers, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { LedgerQuery, LogQuery, PlanListQuery } from './describing/queries.ts';
import { etagOf } from './etag.ts';
import { filterOf } from './plan-search.ts';
import { PlanReader } from './plan-reader.ts';

/** Everything that only reads. Any replica answers, from the projections. */
@Controller('v1/plans')
export class ViewsController {
  constructor(private readonly reader: PlanReader) {}

  @Get()
  list(@Query() query: PlanListQuery) {
    const { limit, cursor = null } = query;
    return this.reader.plans({ ...filterOf(query, Date.now()), limit, cursor });
  }

  @Get(':planId')
  async plan(@Param('planId') planId: string, @Res({ passthrough: true }) response: FastifyReply) {
    const plan = await this.reader.plan(planId);
    void response.header('etag', etagOf(plan));
    return plan;
  }

  @Get(':planId/steps')
  steps(@Param('planId') planId: string) {
    return this.reader.steps(planId);
  }

  @Get(':planId/ledger')
  ledger(@Param('planId') planId: string, @Query() { after, limit }: LedgerQuery) {
    return this.reader.ledger(planId, after, limit);
  }

  @Get(':planId/progress.md')
  @Header('content-type', 'text/markdown; charset=utf-8')
  progress(@Param('planId') planId: string, @Headers('host') host: string) {
    return this.reader.progress(planId, `http://${host}`);
  }

  @Get(':planId/diff')
  @Header('content-type', 'text/plain; charset=utf-8')
  planDiff(@Param('planId') planId: string) {
    return this.reader.planDiff(planId);
  }

  @Get(':planId/steps/:step/attempts')
  attempts(@Param('planId') planId: string, @Param('step') step: string) {
    return this.reader.attempts(planId, step);
  }

  @Get(':planId/steps/:step/attempts/:attempt/log')
  @Header('content-type', 'text/plain; charset=utf-8')
  async log(
    @Param('planId') planId: string,
    @Param('step') step: string,
    @Param('attempt') attempt: number,
    @Query() { from }: LogQuery,
  ) {
    if (from === undefined) return this.reader.artifact(planId, step, attempt, 'log');
    return this.reader.logAfter(planId, step, attempt, from);
  }

  @Get(':planId/steps/:step/attempts/:attempt/diff')
  @Header('content-type', 'text/plain; charset=utf-8')
  diff(@Param('planId') planId: string, @Param('step') step: string, @Param('attempt') attempt: number) {
    return this.reader.artifact(planId, step, attempt, 'diff');
  }
}
