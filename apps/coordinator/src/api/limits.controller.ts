import { Body, Controller, Get, Headers, Patch, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { currentTraceparent, inSpan, names } from '#telemetry';
import { PlanCommands } from '../commands/plan-commands.ts';
import type { LimitsReport } from '../deciding/limits-report.ts';
import { actorOf, parentOf } from './caller.ts';
import { unavailable } from './decided.ts';
import type { LedgerAnswer } from './describing/answers.ts';
import type { LimitsAnswer } from './describing/limit-routes.ts';
import type { LedgerQuery } from './describing/queries.ts';
import { seqOf } from './etag.ts';
import type { LimitsBody } from './limit-bodies.ts';
import { PlanReader } from './plan-reader.ts';
import { Problem } from './problem.ts';

type Sent = Record<'if-match' | 'traceparent' | 'x-skein-actor', string | undefined>;

/** What may be in flight at once: the decider knows what is in use, and it alone changes anything. */
@Controller('v1/limits')
export class LimitsController {
  constructor(
    private readonly commands: PlanCommands,
    private readonly reader: PlanReader,
  ) {}

  @Get()
  async read(@Res({ passthrough: true }) response: FastifyReply): Promise<LimitsAnswer> {
    return shown(await this.report(), response);
  }

  @Patch()
  async change(
    @Body() body: LimitsBody,
    @Headers() sent: Sent,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<LimitsAnswer> {
    const by = actorOf(sent['x-skein-actor']);
    const { limits, why = null } = body;
    const input = { by, why, limits, expectedSeq: seqOf(sent['if-match']) };
    const reply = await inSpan(
      names.spans.limitsChange,
      {},
      () => this.commands.execute({ kind: 'change-limits', input }, currentTraceparent()),
      { parent: parentOf(sent.traceparent), kind: 'server' },
    );
    if (reply.status === 'unavailable') throw unavailable(reply);
    if (reply.status !== 'limits-decided') throw new Error(`unexpected answer ${reply.status}`);
    const decided = reply.reply;
    if (decided.status === 'refused') {
      const { code, reason, actualSeq } = decided;
      const more = actualSeq === undefined ? {} : { currentSeq: actualSeq };
      throw new Problem(STATUS_OF_REFUSAL[code], code, reason, more);
    }
    return shown(await this.report(), response);
  }

  @Get('ledger')
  ledger(@Query() { after, limit }: LedgerQuery): Promise<LedgerAnswer> {
    return this.reader.fleetLedger(after, limit);
  }

  private async report(): Promise<LimitsReport> {
    const reply = await this.commands.execute({ kind: 'limits' }, null);
    if (reply.status === 'unavailable') throw unavailable(reply);
    if (reply.status !== 'limits') throw new Error(`unexpected answer ${reply.status}`);
    return reply.report;
  }
}

function shown(report: LimitsReport, response: FastifyReply): LimitsReport {
  void response.status(200).header('etag', `"${report.seq}"`);
  return report;
}

const STATUS_OF_REFUSAL = {
  'limit-invalid': 422,
  'limits-too-many': 422,
  'plan-unknown': 404,
  'seq-stale': 412,
} as const;
