import { eventually, OtlpReceiver } from '#testing';
import { createLogger, inSpan, names, OverviewTrace, silentLogger, startTelemetry } from './index.ts';
import type { OverviewPlan } from './overview-plan.ts';

const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

const PLAN: OverviewPlan = {
  planId: 'plan12345678',
  name: 'promises',
  submittedAt: '2026-11-20T12:00:00.000Z',
  endedAt: '2026-11-20T12:30:00.500Z',
  outcome: 'halted',
  traceparent: PARENT,
  stepCount: 2,
  steps: [
    {
      ordinal: 1,
      name: 'convert[src/auth.js]',
      startedAt: '2026-11-20T12:00:01.000Z',
      endedAt: '2026-11-20T12:10:00.000Z',
      outcome: 'passed',
      leaseTraceparents: [`00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`],
    },
    {
      ordinal: 2,
      name: 'clone https://ada:hunter2@example.org/r',
      startedAt: '2026-11-20T12:10:00.000Z',
      endedAt: '2026-11-20T12:30:00.000Z',
      outcome: 'blocked',
      leaseTraceparents: [],
    },
  ],
};

describe('live spans', () => {
  it('arrive at the collector with their trace, attributes and service, and without secrets', async () => {
    await using receiver = await OtlpReceiver.start();
    const telemetry = await startTelemetry({
      serviceName: 'skein-worker',
      otlpEndpoint: `${receiver.url}/`,
      resource: { 'service.instance.id': 'w-1' },
    });
    await inSpan(
      names.spans.lease,
      { [names.attributes.planId]: 'p1', [names.attributes.epoch]: 3 },
      async () => {
        await inSpan(names.spans.gitFetch, { remote: 'https://ada:hunter2@example.org/r' }, async (span) => {
          span.setAttribute('git.token', 'hunter2');
          span.setAttribute('argv', ['git', 'fetch', 'https://hunter2@example.org']);
          span.addEvent('retry', { after: 'https://hunter2@example.org said no' });
        });
        await inSpan(names.spans.verify, {}, async () => {
          throw new Error('Authorization: Bearer hunter2hunter2');
        }).catch(() => undefined);
      },
      { parent: PARENT, kind: 'consumer' },
    );
    await telemetry.shutdown();

    expect(receiver.spans.map((span) => span.name).sort()).toEqual(['git fetch', 'lease', 'verify']);
    const [lease] = receiver.named('lease');
    expect(lease).toMatchObject({
      traceId: 'a'.repeat(32),
      parentSpanId: 'b'.repeat(16),
      attributes: { 'skein.plan.id': 'p1', 'skein.lease.epoch': 3 },
      resource: { 'service.name': 'skein-worker', 'service.instance.id': 'w-1' },
    });
    expect(receiver.named('git fetch')[0]?.parentSpanId).toBe(lease?.spanId);
    expect(receiver.named('verify')[0]?.status).toBe(2);
    expect(receiver.bodies.join()).not.toContain('hunter2');
  });

  it('are sent while the process goes on, not only at its end', async () => {
    await using receiver = await OtlpReceiver.start();
    const telemetry = await startTelemetry({ serviceName: 'skein-worker', otlpEndpoint: receiver.url });
    await inSpan(names.spans.sweep, {}, async () => undefined);
    await eventually(() => receiver.named('decider sweep').length === 1, {
      what: 'the span at the collector',
    });
    await telemetry.shutdown();
  });

  it('cost nothing but themselves when the collector is away', async () => {
    const receiver = await OtlpReceiver.start();
    const { url } = receiver;
    await receiver.stop();
    const telemetry = await startTelemetry({ serviceName: 'skein-worker', otlpEndpoint: url });
    expect(await inSpan(names.spans.sweep, {}, async () => 'done')).toBe('done');
    const before = performance.now();
    await telemetry.shutdown();
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});

describe('the overview trace', () => {
  it('arrives whole, and repeated by another replica with the same ids', async () => {
    await using receiver = await OtlpReceiver.start();
    const options = { serviceName: 'skein-coordinator', otlpEndpoint: receiver.url, log: silentLogger };
    await using one = new OverviewTrace(options);
    await using other = new OverviewTrace(options);
    expect(await one.write({ ...PLAN, endedAt: null, steps: PLAN.steps.slice(0, 1) })).toBe(true);
    expect(await one.write(PLAN)).toBe(true);
    expect(await other.write(PLAN)).toBe(true);

    expect(receiver.spans).toHaveLength(1 + 3 + 3);
    expect(new Set(receiver.spans.map((span) => span.traceId)).size).toBe(1);
    expect(new Set(receiver.spans.map((span) => span.spanId)).size).toBe(3);
    const [root] = receiver.named('plan');
    expect(root).toMatchObject({
      parentSpanId: '',
      startMs: Date.parse(PLAN.submittedAt),
      endMs: Date.parse(PLAN.endedAt!),
      status: 2,
      links: [{ traceId: 'a'.repeat(32) }],
      resource: { 'service.name': 'skein-coordinator' },
    });
    const [step] = receiver.named('step');
    expect(step).toMatchObject({
      parentSpanId: root?.spanId,
      attributes: {
        'skein.step.ordinal': 's1',
        'skein.step.name': 'convert[src/auth.js]',
        'skein.outcome': 'passed',
      },
      links: [{ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }],
    });
    expect(receiver.bodies.join()).not.toContain('hunter2');
  });

  it('that is not taken is logged and can be written again', async () => {
    await using receiver = await OtlpReceiver.start();
    receiver.refuseWith = 400;
    const lines: string[] = [];
    const destination = { write: (line: string) => lines.push(line) } as unknown as NodeJS.WritableStream;
    await using overview = new OverviewTrace({
      serviceName: 'skein-coordinator',
      otlpEndpoint: receiver.url,
      log: createLogger({ name: 'test', level: 'info', destination }),
    });
    expect(await overview.write(PLAN)).toBe(false);
    expect(lines.join()).toContain('the overview trace was not taken');
    receiver.refuseWith = null;
    expect(await overview.write(PLAN)).toBe(true);
    expect(receiver.spans).toHaveLength(3);
  });

  it('is not written where no collector is set', async () => {
    await using overview = new OverviewTrace({ serviceName: 'x', otlpEndpoint: null, log: silentLogger });
    expect(await overview.write(PLAN)).toBe(false);
  });
});
