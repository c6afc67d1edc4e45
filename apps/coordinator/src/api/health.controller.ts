import { Controller, Get } from '@nestjs/common';
import { Readiness } from './readiness.ts';
import { Problem } from './problem.ts';

@Controller()
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** The process lives and answers. */
  @Get('healthz')
  health() {
    return { status: 'ok' };
  }

  /** Plans can be taken: ledger and NATS answer, and somebody decides. */
  @Get('readyz')
  async ready() {
    const missing = await this.readiness.missing();
    if (missing.length > 0)
      throw new Problem(503, 'not-ready', `not ready: ${missing.join('; ')}`, { retryAfterS: 1 });
    return { status: 'ready' };
  }
}
