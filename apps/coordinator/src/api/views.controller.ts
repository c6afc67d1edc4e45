import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import { PlanReader } from './plan-reader.ts';
import { Problem } from './problem.ts';

/** Everything that only reads. Any replica answers, from the projections. */
@Controller('v1/plans')
export class ViewsController {
  constructor(private readonly reader: PlanReader) {}

  @Get()
  list(@Query('limit') limit?: string, @Query('cursor') cursor?: string, @Query('status') status?: string) {
    return this.reader.plans({
      limit: wholeNumber('limit', limit, 50, 1, 500),
      cursor: cursor ?? null,
      status: status ?? null,
    });
  }

  @Get(':planId')
  plan(@Param('planId') planId: string) {
    return this.reader.plan(planId);
  }

  @Get(':planId/steps')
  steps(@Param('planId') planId: string) {
    return this.reader.steps(planId);
  }

  @Get(':planId/ledger')
  ledger(@Param('planId') planId: string, @Query('after') after?: string, @Query('limit') limit?: string) {
    return this.reader.ledger(
      planId,
      wholeNumber('after', after, 0, 0, Number.MAX_SAFE_INTEGER),
      wholeNumber('limit', limit, 1_000, 1, 5_000),
    );
  }

  @Get(':planId/progress.md')
  @Header('content-type', 'text/markdown; charset=utf-8')
  progress(@Param('planId') planId: string) {
    return this.reader.progress(planId);
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
    @Param('attempt') attempt: string,
    @Query('from') from?: string,
  ) {
    const number = wholeNumber('attempt', attempt, 1, 1, 1_000);
    if (from === undefined) return this.reader.artifact(planId, step, number, 'log');
    const place = wholeNumber('from', from, 0, 0, Number.MAX_SAFE_INTEGER);
    return this.reader.logAfter(planId, step, number, place);
  }

  @Get(':planId/steps/:step/attempts/:attempt/diff')
  @Header('content-type', 'text/plain; charset=utf-8')
  diff(@Param('planId') planId: string, @Param('step') step: string, @Param('attempt') attempt: string) {
    return this.reader.artifact(planId, step, wholeNumber('attempt', attempt, 1, 1, 1_000), 'diff');
  }
}

function wholeNumber(
  name: string,
  text: string | undefined,
  otherwise: number,
  min: number,
  max: number,
): number {
  if (text === undefined || text === '') return otherwise;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new Problem(400, 'query-invalid', `${name} must be a whole number from ${min} to ${max}`);
}
