import { trace, isSpanContextValid } from '@opentelemetry/api';
import { pino } from 'pino';
import { PrettyLines } from './pretty-lines.ts';
import { redactFields, redactText } from './redaction.ts';

/** What every part of Skein logs with: fields for programs first, one sentence for people second. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** The same logger with these fields on every line. */
  child(fields: object): Logger;
}

export interface LoggerOptions {
  name: string;
  /** trace, debug, info, warn, error, fatal or silent. */
  level: string;
  /** One readable line per entry instead of JSON. */
  pretty?: boolean;
  /** Default: standard error, written synchronously so that the last words of a crash are not lost. */
  destination?: NodeJS.WritableStream;
}

export function createLogger(options: LoggerOptions): Logger {
  const raw = options.destination ?? pino.destination({ dest: 2, sync: true });
  const destination = options.pretty ? new PrettyLines(raw) : raw;
  const base = pino(
    {
      name: options.name,
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: activeTraceIds,
    },
    destination,
  );
  return new PinoLogger(base);
}

/** Says nothing: for tests and for callers that do not care. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

class PinoLogger implements Logger {
  constructor(private readonly pino: pino.Logger) {}

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#write('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#write('error', fields, message);
  }

  child(fields: object): Logger {
    return new PinoLogger(this.pino.child(redactFields(fields)));
  }

  #write(level: 'debug' | 'info' | 'warn' | 'error', fields: object, message: string): void {
    if (!this.pino.isLevelEnabled(level)) return;
    this.pino[level](redactFields(fields), redactText(message));
  }
}

function activeTraceIds(): object {
  const context = trace.getActiveSpan()?.spanContext();
  return context && isSpanContextValid(context) ? { trace_id: context.traceId, span_id: context.spanId } : {};
}
