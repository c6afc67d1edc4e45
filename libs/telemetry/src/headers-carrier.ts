import { currentTraceparent, parseTraceparent } from './traceparent.ts';

/** The header of the W3C standard, and what the events of the ledger hold. */
const HEADER = 'traceparent';

/** NATS message headers, as far as trace context needs them. */
export interface HeadersCarrier {
  get(name: string): string;
  set(name: string, value: string): void;
}

/** Sends the active span's context along; outside any span nothing is set. */
export function injectTrace(headers: Pick<HeadersCarrier, 'set'>): void {
  const traceparent = currentTraceparent();
  if (traceparent !== null) headers.set(HEADER, traceparent);
}

/** The traceparent that came with a message; null when there is none, or nothing that is one. */
export function extractTrace(headers: Pick<HeadersCarrier, 'get'> | undefined): string | null {
  const traceparent = headers?.get(HEADER);
  return parseTraceparent(traceparent) ? traceparent! : null;
}
