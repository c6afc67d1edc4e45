import { jest } from '@jest/globals';
import { context, trace, type HrTime } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { AsyncContextManager } from './async-context.ts';
import { names } from './names.ts';
import { inSpan } from './spans.ts';
import { startTelemetry } from './telemetry.ts';
import { currentTraceparent, formatTraceparent, parseTraceparent } from './traceparent.ts';

const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

describe('inSpan with a recording provider', () => {
  const exporter = new InMemorySpanExporter();
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncContextManager());
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
    );
  });
  beforeEach(() => exporter.reset());
  afterAll(() => {
    trace.disable();
    context.disable();
  });

  it('records the span with its attributes and hands the result back', async () => {
    const result = await inSpan(names.spans.attempt, { [names.attributes.attempt]: 2 }, async () => 'done');
    expect(result).toBe('done');
    expect(exporter.getFinishedSpans()).toMatchObject([
      { name: 'attempt', attributes: { 'skein.attempt': 2 } },
    ]);
  });

  it('nests spans across awaits, and makes the inner one the current one', async () => {
    await inSpan(names.spans.lease, {}, async (outer) => {
      await Promise.resolve();
      await inSpan(names.spans.attempt, {}, async (inner) => {
        await Promise.resolve();
        expect(currentTraceparent()).toBe(formatTraceparent(inner.spanContext()));
        expect(inner.spanContext().traceId).toBe(outer.spanContext().traceId);
      });
    });
    const [inner, outer] = exporter.getFinishedSpans();
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(currentTraceparent()).toBeNull();
  });

  it('keeps spans within their parents when the wall clock is set meanwhile', async () => {
    const now = jest.spyOn(Date, 'now');
    await inSpan(names.spans.lease, {}, async () => {
      now.mockImplementation(() => performance.timeOrigin + performance.now() + 3_600_000);
      await inSpan(names.spans.attempt, {}, async () => undefined);
      now.mockImplementation(() => performance.timeOrigin + performance.now() - 3_600_000);
      await inSpan(names.spans.verify, {}, async () => undefined);
    });
    now.mockRestore();
    const [attempt, verify, lease] = exporter.getFinishedSpans();
    const [from, to] = [ms(lease!.startTime), ms(lease!.endTime)];
    for (const span of [attempt!, verify!]) {
      expect(ms(span.startTime)).toBeGreaterThanOrEqual(from);
      expect(ms(span.endTime)).toBeLessThanOrEqual(to);
    }
    expect(ms(verify!.startTime)).toBeGreaterThanOrEqual(ms(attempt!.endTime));
    expect(Math.abs(from - Date.now())).toBeLessThan(60_000);
  });

  it('goes on with a trace that came in a message', async () => {
    await inSpan(names.spans.jobReceive, {}, async () => undefined, { parent: PARENT, kind: 'consumer' });
    const [span] = exporter.getFinishedSpans();
    expect(span?.spanContext().traceId).toBe('a'.repeat(32));
    expect(span?.parentSpanContext?.spanId).toBe('b'.repeat(16));
  });

  it('starts a new trace when the parent is null, also inside another span', async () => {
    await inSpan(names.spans.lease, {}, async (outer) => {
      await inSpan(
        names.spans.sweep,
        {},
        async (span) => {
          expect(span.spanContext().traceId).not.toBe(outer.spanContext().traceId);
        },
        { parent: null },
      );
    });
  });

  it('links to other traces and leaves malformed links out', async () => {
    await inSpan(names.spans.integrate, {}, async () => undefined, { links: [PARENT, 'nonsense'] });
    expect(exporter.getFinishedSpans()[0]?.links).toHaveLength(1);
  });

  it('records an error without its secrets and throws it on', async () => {
    const failing = inSpan(names.spans.gitFetch, {}, async () => {
      throw new Error('https://hunter2@example.org refused');
    });
    await expect(failing).rejects.toThrow('refused');
    const [span] = exporter.getFinishedSpans();
    expect(span?.status.code).toBe(2);
    expect(JSON.stringify([span?.events, span?.status])).not.toContain('hunter2');
  });
});

describe('without a collector', () => {
  it('a trace that came from outside still travels through the process', async () => {
    const telemetry = await startTelemetry({ serviceName: 'test', otlpEndpoint: null });
    const seen = await inSpan(names.spans.restRequest, {}, async () => currentTraceparent(), {
      parent: PARENT,
    });
    await telemetry.shutdown();
    expect(seen).toBe(PARENT);
  });

  it('work outside any trace has no traceparent', async () => {
    expect(await inSpan(names.spans.sweep, {}, async () => currentTraceparent())).toBeNull();
  });
});

describe('a traceparent', () => {
  it('is read and written the same way', () => {
    expect(formatTraceparent(parseTraceparent(PARENT)!)).toBe(PARENT);
  });

  it.each([
    '',
    'garbage',
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`,
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    `${PARENT}-more`,
    null,
    undefined,
  ])('%j is none', (text) => {
    expect(parseTraceparent(text)).toBeNull();
  });
});

function ms([seconds, nanos]: HrTime): number {
  return seconds * 1_000 + nanos / 1e6;
}
