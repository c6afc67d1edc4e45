import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { JobContext, OnJob } from '#bus';
import type { Job } from '#contracts';
import { JobRunner } from './job-runner.ts';

/** The transport hands every job here and waits for the promise before the slot pulls the next. */
@Controller()
export class JobController {
  constructor(@Inject(JobRunner) private readonly runner: JobRunner) {}

  @OnJob()
  async run(@Payload() job: Job, @Ctx() delivery: JobContext): Promise<void> {
    await this.runner.run(job, delivery);
  }
}
