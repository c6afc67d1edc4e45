import { Controller, Get, Param, Query } from '@nestjs/common';
import type { DeadLettersQuery } from './describing/operator-queries.ts';
import { PlanReader } from './plan-reader.ts';

/** What an operator looks at before doing something. */
@Controller('v1')
export class OperatorViewsController {
  constructor(private readonly reader: PlanReader) {}

  @Get('dead-letters')
  deadLetters(@Query() query: DeadLettersQuery) {
    return this.reader.deadLetters(query);
  }

  @Get('plans/:planId/steps/:step/explain')
  explain(@Param('planId') planId: string, @Param('step') step: string) {
    return this.reader.explain(planId, step);
  }
}
