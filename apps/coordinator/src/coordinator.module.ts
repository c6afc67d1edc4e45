import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Logger } from '#telemetry';
import { HealthController } from './api/health.controller.ts';
import { PlanLimits } from './api/plan-limits.ts';
import { PlanReader } from './api/plan-reader.ts';
import { ProblemFilter } from './api/problem.filter.ts';
import { Readiness } from './api/readiness.ts';
import { SubmissionController } from './api/submission.controller.ts';
import { ViewsController } from './api/views.controller.ts';
import { PlanCommands } from './commands/plan-commands.ts';
import type { Coordinator } from './coordinator.ts';

/** Nest is the shell: it routes HTTP to plain classes that were wired before it. */
@Module({})
export class CoordinatorModule {
  static around(coordinator: Coordinator, limits: PlanLimits, log: Logger): DynamicModule {
    return {
      module: CoordinatorModule,
      controllers: [SubmissionController, ViewsController, HealthController],
      providers: [
        { provide: PlanCommands, useValue: coordinator.commands },
        { provide: PlanReader, useValue: coordinator.reader },
        { provide: Readiness, useValue: coordinator.readiness },
        { provide: PlanLimits, useValue: limits },
        { provide: APP_FILTER, useValue: new ProblemFilter(log) },
      ],
    };
  }
}
