import { extractTrace, injectTrace } from './headers-carrier.ts';
import { names } from './names.ts';
import { inSpan } from './spans.ts';
import { startTelemetry } from './telemetry.ts';

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

/** Like MsgHdrs of NATS: a missing header reads as empty text. */
class Headers {
  readonly #values = new Map<string, string>();
  get(name: string): string {
    return this.#values.get(name) ?? '';
  }
  set(name: string, value: string): void {
    this.#values.set(name, value);
  }
}

describe('trace context in message headers', () => {
  it('is what the receiver goes on from', async () => {
    await using stack = new AsyncDisposableStack();
    const telemetry = await startTelemetry({ serviceName: 'test', otlpEndpoint: null });
    stack.defer(() => telemetry.shutdown());
    const headers = new Headers();
    await inSpan(names.spans.jobPublish, {}, async () => injectTrace(headers), { parent: TRACE });
    expect(extractTrace(headers)).toBe(TRACE);
  });

  it('is left out outside any span', () => {
    const headers = new Headers();
    injectTrace(headers);
    expect(extractTrace(headers)).toBeNull();
  });

  it('is not believed when it is malformed', () => {
    const headers = new Headers();
    headers.set('traceparent', 'DROP TABLE');
    expect(extractTrace(headers)).toBeNull();
    expect(extractTrace(undefined)).toBeNull();
  });
});
