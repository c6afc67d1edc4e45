export { extractTrace, type HeadersCarrier, injectTrace } from './headers-carrier.ts';
export { type Logger, type LoggerOptions, createLogger, silentLogger } from './logger.ts';
export { OTHER, type MetricDeclaration } from './metrics/declaration.ts';
export {
  declaredMetrics,
  type LabelsOf,
  type MetricKey,
  type MetricOf,
  seriesMax,
} from './metrics/declared-metrics.ts';
export { metricsPage } from './metrics/metrics-page.ts';
export { type MetricsServer, serveMetrics } from './metrics/metrics-server.ts';
export { count, forgetReadings, measure, measuring, observe, secondsSince } from './metrics/recording.ts';
export {
  METRICS_CONTENT_TYPE,
  type Metrics,
  type MetricsOptions,
  scrapeMetrics,
  startMetrics,
} from './metrics/start-metrics.ts';
export { names, type SpanName } from './names.ts';
export { overviewTraceparent, STEP_SPANS_MAX } from './overview-ids.ts';
export type { OverviewPlan, OverviewStep } from './overview-plan.ts';
export { OverviewTrace, type OverviewTraceOptions } from './overview-trace.ts';
export { REDACTED, redactFields, redactText } from './redaction.ts';
export { inSpan, type PastSpan, recordPast, type SpanOptions } from './spans.ts';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts';
export { currentTraceparent, formatTraceparent, parseTraceparent } from './traceparent.ts';
export type { Attributes, Span } from '@opentelemetry/api';
