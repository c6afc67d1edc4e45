export { extractTrace, type HeadersCarrier, injectTrace } from './headers-carrier.ts';
export { type Logger, type LoggerOptions, createLogger, silentLogger } from './logger.ts';
export { names, type SpanName } from './names.ts';
export { overviewTraceparent } from './overview-ids.ts';
export {
  type OverviewPlan,
  type OverviewStep,
  OverviewTrace,
  type OverviewTraceOptions,
} from './overview-trace.ts';
export { REDACTED, redactFields, redactText } from './redaction.ts';
export { inSpan, type SpanOptions } from './spans.ts';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts';
export { currentTraceparent, formatTraceparent, parseTraceparent } from './traceparent.ts';
export type { Attributes, Span } from '@opentelemetry/api';
