import { Controller, Get, Header } from '@nestjs/common';
import { METRICS_CONTENT_TYPE, scrapeMetrics } from '#telemetry';

/** For Prometheus. Every replica answers for itself; what only the decider knows, only the decider tells. */
@Controller()
export class MetricsController {
  @Get('metrics')
  @Header('content-type', METRICS_CONTENT_TYPE)
  metrics(): Promise<string> {
    return scrapeMetrics();
  }
}
