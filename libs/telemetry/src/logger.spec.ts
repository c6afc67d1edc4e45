import { Writable } from 'node:stream';
import { context, trace, TraceFlags } from '@opentelemetry/api';
import { createLogger, silentLogger } from './logger.ts';
import { startTelemetry } from './telemetry.ts';

class Lines extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  last(): Record<string, unknown> {
    return JSON.parse(this.text.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
  }
}

function logTo(lines: Lines, options: { level?: string; pretty?: boolean } = {}) {
  return createLogger({ name: 'worker', level: 'info', destination: lines, ...options });
}

describe('a logger', () => {
  it('writes one JSON line with its name, level, time, fields and message', () => {
    const lines = new Lines();
    logTo(lines).info({ planId: 'p1', slots: 3 }, 'ready');
    expect(lines.last()).toMatchObject({
      name: 'worker',
      level: 'info',
      planId: 'p1',
      slots: 3,
      msg: 'ready',
    });
    expect(Date.parse(String(lines.last()['time']))).not.toBeNaN();
  });

  it('leaves out what is below its level', () => {
    const lines = new Lines();
    logTo(lines, { level: 'warn' }).info({}, 'not worth it');
    expect(lines.text).toBe('');
  });

  it('gives its fields to its children', () => {
    const lines = new Lines();
    logTo(lines).child({ worker: 'w1' }).warn({ epoch: 2 }, 'lost');
    expect(lines.last()).toMatchObject({ worker: 'w1', epoch: 2, level: 'warn' });
  });

  it.each([
    [{ gitToken: 'hunter2' }],
    [{ deep: { headers: { Authorization: 'Bearer hunter2hunter2' } } }],
    [{ url: 'postgres://skein:hunter2@127.0.0.1:5432/x' }],
    [{ argv: ['git', 'fetch', 'https://hunter2@example.org/r.git'] }],
    [{ error: new Error('cannot reach nats://u:hunter2@h:4222') }],
    [{ error: new Error('outer', { cause: new Error('https://hunter2@h') }) }],
    [{ text: 'remote said ghp_hunter2hunter2hunter2hunter2' }],
    [{ list: [{ password: 'hunter2' }] }],
  ])('never writes the secret in %j', (fields) => {
    const lines = new Lines();
    const log = logTo(lines);
    log.info(fields, 'connecting');
    log.child(fields).error({}, 'again');
    expect(lines.text).not.toContain('hunter2');
    expect(lines.text).toContain('[redacted]');
  });

  it('hides the password of an address in the message', () => {
    const lines = new Lines();
    logTo(lines).error({}, 'no answer from nats://u:hunter2@h:4222');
    expect(lines.last()['msg']).toBe('no answer from nats://[redacted]@h:4222');
  });

  it('survives circular and very deep fields', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const lines = new Lines();
    logTo(lines).info({ circular, big: 12n }, 'still here');
    expect(lines.last()).toMatchObject({ msg: 'still here', big: '12' });
  });

  it('names the trace and span that the line was written in', async () => {
    const telemetry = await startTelemetry({ serviceName: 'test', otlpEndpoint: null });
    try {
      const lines = new Lines();
      const spanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED };
      context.with(trace.setSpanContext(context.active(), spanContext), () =>
        logTo(lines).info({}, 'inside'),
      );
      expect(lines.last()).toMatchObject({ trace_id: spanContext.traceId, span_id: spanContext.spanId });
    } finally {
      await telemetry.shutdown();
    }
  });

  it('keeps a hostile file name from steering the terminal in pretty lines', () => {
    const lines = new Lines();
    logTo(lines, { pretty: true }).warn({ file: '\u001b[2Jevil\u009b' }, 'changed');
    expect(lines.text).toContain('WARN  worker: changed file=\\x1b[2Jevil\\x9b');
    expect(lines.text).not.toContain('\u001b');
  });

  it('says nothing when it is the silent one', () => {
    expect(() => silentLogger.child({ a: 1 }).error({}, 'nothing')).not.toThrow();
  });
});
