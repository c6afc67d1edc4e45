import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { compareCursors, parseCursor, type TailCursor } from '#ledger';
import type { FleetEventsQuery, PlanEventsQuery } from './describing/queries.ts';
import { PlanReader } from './plan-reader.ts';
import { Problem } from './problem.ts';
import { FleetStream } from './streaming/fleet-stream.ts';
import { LiveEvents } from './streaming/live-events.ts';
import { OpenStreams } from './streaming/open-streams.ts';
import { PlanStream } from './streaming/plan-stream.ts';

/** The ledger as it grows. Any replica streams. */
@Controller('v1')
export class StreamsController {
  constructor(
    private readonly reader: PlanReader,
    private readonly live: LiveEvents,
    private readonly streams: OpenStreams,
  ) {}

  @Get('plans/:planId/events')
  async planEvents(
    @Param('planId') planId: string,
    @Query() query: PlanEventsQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.streams.admit();
    const { seq } = await this.reader.head(planId);
    const after = lastEventId === undefined ? query.after : Number(lastEventId);
    if (after > seq) {
      throw new Problem(
        400,
        'query-invalid',
        `the plan is at seq ${seq}: it has no event ${after} to go on after`,
      );
    }
    const over = after === seq && (await this.live.isClosed(planId, seq));
    if (over && lastEventId !== undefined) {
      // Who comes back after the end: the one answer that stops an EventSource.
      void reply.status(204).send();
      return;
    }
    await this.streams.serve(reply, new PlanStream(this.live.feed, planId, after, over));
  }

  @Get('events')
  async fleetEvents(
    @Query() query: FleetEventsQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    this.streams.admit();
    const end = await this.live.end();
    const given = lastEventId ?? query.after;
    const filter = {
      plans: query.plan ? new Set(query.plan) : null,
      types: query.type ? new Set(query.type) : null,
      tenant: query.tenant ?? null,
    };
    const cursor = given === undefined ? end : known(given, end);
    await this.streams.serve(reply, new FleetStream(this.live.feed, this.live.tenants, filter, cursor));
  }
}

/** A cursor beyond the end would wait for ever: it is that of another ledger. */
function known(text: string, end: TailCursor): TailCursor {
  const cursor = parseCursor(text);
  if (cursor && compareCursors(cursor, end) <= 0) return cursor;
  throw new Problem(400, 'query-invalid', 'this event id is not one that this ledger has given out');
}
