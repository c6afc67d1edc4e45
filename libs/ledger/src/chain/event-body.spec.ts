import { createHash } from 'node:crypto';
import type { PlanEvent } from '#domain';
import { chainAppend, EMPTY_HEAD, eventBody, hashEvent, parseBody } from './event-body.ts';

const parts = {
  planId: 'plan1',
  seq: 4,
  at: '2026-11-20T12:00:00.000Z',
  traceparent: null,
  event: { type: 'step.admitted', data: { ordinal: 2, epoch: 3 } } as PlanEvent,
};

describe('the text of an event', () => {
  it('is these bytes and never others', () => {
    expect(eventBody(parts)).toBe(
      '{"v":2,"plan":"plan1","seq":4,"type":"step.admitted","at":"2026-11-20T12:00:00.000Z","trace":null,"data":{"ordinal":2,"epoch":3}}',
    );
  });

  it('is hashed with the hash before it and a newline between', () => {
    const body = eventBody(parts);
    const expected = createHash('sha256').update(`${EMPTY_HEAD.hash}\n${body}`, 'utf8').digest('hex');
    expect(hashEvent(EMPTY_HEAD.hash, body)).toBe(expected);
  });

  it('is well-formed UTF-8 without NUL, whatever strings the event holds', () => {
    const event: PlanEvent = {
      type: 'plan.cancelled',
      data: { by: { name: '\0', via: '\ud800' }, why: '\udc00\ud800x' },
    };
    const body = eventBody({ ...parts, event });
    expect(body.isWellFormed()).toBe(true);
    expect(body).not.toContain('\0');
    expect(Buffer.from(body, 'utf8').toString('utf8')).toBe(body);
    expect(parseBody(body)).toEqual({ ...parts, event });
  });

  it('keeps the order of keys that the event has', () => {
    const data = { z: 1, a: 2, 10: 3 } as unknown as Record<string, never>;
    expect(eventBody({ ...parts, event: { type: 'plan.closed', data } })).toContain(
      '"data":{"10":3,"z":1,"a":2}',
    );
  });
});

describe('chaining an append', () => {
  it('goes on from the expected head', () => {
    const expected = { seq: 3, hash: 'e'.repeat(64) };
    const rows = chainAppend({ ...parts, expected, events: [parts.event, parts.event] });
    expect(rows.map(({ seq }) => seq)).toEqual([4, 5]);
    expect(rows[0]?.prevHash).toBe(expected.hash);
    expect(rows[1]?.prevHash).toBe(rows[0]?.hash);
  });

  it('gives each event a trace of its own when the append says so', () => {
    const append = { ...parts, expected: EMPTY_HEAD, events: [parts.event, parts.event] };
    const traces = (rows: { body: string }[]) => rows.map(({ body }) => parseBody(body).traceparent);
    expect(traces(chainAppend({ ...append, traceparent: 't' }))).toEqual(['t', 't']);
    expect(traces(chainAppend({ ...append, traceparent: 't', traceparents: ['a', null] }))).toEqual([
      'a',
      null,
    ]);
  });

  it.each(['', 'a b', 'a"b', 'a/b', 'ä', 'x'.repeat(65)])('refuses the plan id %j', (planId) => {
    const append = { ...parts, planId, expected: EMPTY_HEAD, events: [parts.event] };
    expect(() => chainAppend(append)).toThrow('cannot be a plan id');
  });
});
