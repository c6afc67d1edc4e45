import { Module, type DynamicModule } from '@nestjs/common';
import { JobController } from './jobs/job.controller.ts';
import { JobRunner } from './jobs/job-runner.ts';

@Module({})
export class WorkerModule {
  static with(runner: JobRunner): DynamicModule {
    return {
      module: WorkerModule,
      controllers: [JobController],
      providers: [{ provide: JobRunner, useValue: runner }],
    };
  }
}
