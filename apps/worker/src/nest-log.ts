import type { LoggerService } from '@nestjs/common';
import type { Logger } from '#telemetry';

/** Nest's own lines in our log. Its start-up chatter is for debugging only. */
export class NestLog implements LoggerService {
  constructor(private readonly inner: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.inner.debug({ context: rest.at(-1) }, String(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.inner.warn({ context: rest.at(-1) }, String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.inner.error({ context: rest.at(-1) }, String(message));
  }
}
