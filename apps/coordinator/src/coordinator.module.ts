import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Pager } from '#paging';
import type { Logger } from '#telemetry';
import { HealthController } from './api/health.controller.ts';
import { LimitsController } from './api/limits.controller.ts';
import { MetricsController } from './api/metrics.controller.ts';
import { ForkController } from './api/fork.controller.ts';
import { DeadLettersController } from './api/dead-letters.controller.ts';
import { OperatorViewsController } from './api/operator-views.controller.ts';
import { OperatorController } from './api/operator.controller.ts';
import { PlanForks } from './api/plan-fork.ts';
import { PlanLimits } from './api/plan-limits.ts';
import { PlanReader } from './api/plan-reader.ts';
import { ProblemFilter } from './api/problem.filter.ts';
import { Readiness } from './api/readiness.ts';
import { SinksController } from './api/sinks.controller.ts';
import { SubmissionController } from './api/submission.controller.ts';
import { OpenStreams } from './api/streaming/open-streams.ts';
import { LiveEvents } from './api/streaming/live-events.ts';
import { DocumentController } from './api/document.controller.ts';
import { StreamsController } from './api/streams.controller.ts';
import { ViewsController } from './api/views.controller.ts';
import { PlanCommands } from './commands/plan-commands.ts';
import type { Coordinator } from './coordinator.ts';

/** Nest is the shell: it routes HTTP to plain classes that were wired before it. */
@Module({})
export class CoordinatorModule {
  static around(
    coordinator: Coordinator,
    o: { limits: PlanLimits; streams: OpenStreams; log: Logger },
  ): DynamicModule {
    return {
      module: CoordinatorModule,
      controllers: [
        SubmissionController,
        OperatorController,
        ForkController,
        OperatorViewsController,
        DeadLettersController,
        ViewsController,
        StreamsController,
        LimitsController,
        SinksController,
        DocumentController,
        HealthController,
        MetricsController,
      ],
      providers: [
        { provide: PlanCommands, useValue: coordinator.commands },
        { provide: PlanReader, useValue: coordinator.reader },
        { provide: Readiness, useValue: coordinator.readiness },
        { provide: Pager, useValue: coordinator.pager },
        { provide: LiveEvents, useValue: coordinator.live },
        { provide: OpenStreams, useValue: o.streams },
        { provide: PlanLimits, useValue: o.limits },
        { provide: PlanForks, useValue: new PlanForks(coordinator.reader, o.limits) },
        { provide: APP_FILTER, useValue: new ProblemFilter(o.log) },
      ],
    };
  }
}
