import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { didYouMean, show } from '#contracts';
import { Pager } from '#paging';
import type { SinkListAnswer, SinkTestAnswer } from './describing/answers.ts';
import { Problem } from './problem.ts';

/** Who is paged, and whether it arrives. Any replica answers: what was delivered is in the ledger's database. */
@Controller('v1/sinks')
export class SinksController {
  constructor(private readonly pager: Pager) {}

  @Get()
  async list(): Promise<SinkListAnswer> {
    return { sinks: await this.pager.statuses() };
  }

  @Post(':sink/test')
  @HttpCode(200)
  async test(@Param('sink') sink: string): Promise<SinkTestAnswer> {
    const tested = await this.pager.test(sink);
    if (tested === 'busy') throw busy(sink);
    if (tested === null) throw unknown(sink, this.pager.names);
    return tested;
  }
}

function unknown(sink: string, names: readonly string[]): Problem {
  const nearest = didYouMean(sink, [...names]);
  const instead =
    nearest !== null
      ? `did you mean ${nearest}?`
      : names.length > 0
        ? `there are ${names.join(', ')}`
        : 'none is set (SKEIN_SINKS)';
  return new Problem(404, 'sink-unknown', `there is no sink ${show(sink)}; ${instead}`);
}

function busy(sink: string): Problem {
  return new Problem(429, 'sink-busy', `${sink} is being tested already; wait for that`, { retryAfterS: 10 });
}
