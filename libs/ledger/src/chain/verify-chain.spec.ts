import type { PlanEvent } from '#domain';
import type { Head } from '../ledger.ts';
import { chainAppend, EMPTY_HEAD, hashEvent } from './event-body.ts';
import { verifyChain, type VerifiableEvent } from './verify-chain.ts';

const PLAN = 'plan7';

function admitted(ordinal: number): PlanEvent {
  return { type: 'step.admitted', data: { ordinal, epoch: 1 } };
}

function stream(length: number, expected: Head = EMPTY_HEAD, planId = PLAN): VerifiableEvent[] {
  const events = Array.from({ length }, (_, i) => admitted(i));
  const rows = chainAppend({ planId, expected, at: 'now', traceparent: null, events });
  return rows.map(({ seq, body, prevHash, hash }) => ({ seq, body, prevHash, hash }));
}

function headOf(events: VerifiableEvent[]): Head {
  const { seq, hash } = events.at(-1)!;
  return { seq, hash };
}

/** As somebody would who knows how the chain is made. */
function rehashed(event: VerifiableEvent, change: Partial<VerifiableEvent>): VerifiableEvent {
  const changed = { ...event, ...change };
  return { ...changed, hash: hashEvent(changed.prevHash, changed.body) };
}

const whole = stream(6);
const anchor = headOf(whole);

describe('verifying a chain', () => {
  it('accepts what was written, up to and beyond the anchor', () => {
    expect(verifyChain(PLAN, whole, anchor)).toEqual({ ok: true, head: anchor });
    expect(verifyChain(PLAN, [...whole, ...stream(3, anchor)], anchor).ok).toBe(true);
    expect(verifyChain(PLAN, [])).toEqual({ ok: true, head: EMPTY_HEAD });
  });

  it('finds one altered byte, and names plan and seq', () => {
    const altered = whole.with(2, { ...whole[2]!, body: whole[2]!.body.replace('"epoch":1', '"epoch":2') });
    expect(verifyChain(PLAN, altered)).toMatchObject({
      ok: false,
      seq: 3,
      problem: 'altered',
      message: 'Plan plan7, event seq 3 was altered: its text does not match its hash.',
    });
  });

  it('finds an altered event whose hash was made to fit', () => {
    const body = whole[2]!.body.replace('"epoch":1', '"epoch":2');
    expect(verifyChain(PLAN, whole.with(2, rehashed(whole[2]!, { body })))).toMatchObject({
      ok: false,
      seq: 4,
      message: expect.stringContaining('Plan plan7, event seq 4 does not follow seq 3') as string,
    });
  });

  it('finds an altered last event whose hash was made to fit, by the anchor', () => {
    const last = rehashed(whole[5]!, { body: whole[5]!.body.replace('"epoch":1', '"epoch":2') });
    expect(verifyChain(PLAN, whole.with(5, last)).ok).toBe(true);
    expect(verifyChain(PLAN, whole.with(5, last), anchor)).toMatchObject({ seq: 6, problem: 'replaced' });
  });

  it('finds a stream that was written anew from the first event, by the anchor', () => {
    const anew = stream(8).map((event) => ({ ...event }));
    let previous = EMPTY_HEAD.hash;
    for (const event of anew) {
      event.body = event.body.replace('"epoch":1', '"epoch":2');
      event.prevHash = previous;
      previous = event.hash = hashEvent(event.prevHash, event.body);
    }
    expect(verifyChain(PLAN, anew).ok).toBe(true);
    expect(verifyChain(PLAN, anew, anchor)).toMatchObject({ seq: 6, problem: 'replaced' });
  });

  it('finds an inserted event, whatever seq it takes', () => {
    const twice = whole.toSpliced(3, 0, whole[2]!);
    expect(verifyChain(PLAN, twice)).toMatchObject({ ok: false, seq: 3, problem: 'inserted' });

    const [extra] = stream(1, headOf(whole.slice(0, 3)));
    const shifted = [...whole.slice(0, 3), extra!, ...whole.slice(3).map((e) => ({ ...e, seq: e.seq + 1 }))];
    expect(verifyChain(PLAN, shifted)).toMatchObject({ ok: false, problem: 'inserted' });
    expect(verifyChain(PLAN, [extra!, ...whole])).toMatchObject({ ok: false, seq: 1 });
  });

  it('finds an event of another plan, though it is chained well', () => {
    const foreign = stream(1, anchor, 'plan8');
    expect(verifyChain(PLAN, [...whole, ...foreign])).toMatchObject({
      ok: false,
      seq: 7,
      problem: 'inserted',
      message: 'Plan plan7, event seq 7 was written as plan plan8 seq 7.',
    });
  });

  it('finds a dropped event, also when the others were renumbered', () => {
    expect(verifyChain(PLAN, whole.toSpliced(2, 1))).toMatchObject({
      ok: false,
      seq: 3,
      problem: 'dropped',
      message: 'Plan plan7, event seq 3 is missing: seq 4 follows 2.',
    });
    const renumbered = whole.toSpliced(2, 1).map((event, i) => ({ ...event, seq: i + 1 }));
    expect(verifyChain(PLAN, renumbered)).toMatchObject({ ok: false, seq: 3 });
    expect(verifyChain(PLAN, whole.slice(1))).toMatchObject({ ok: false, seq: 1, problem: 'dropped' });
  });

  it('finds a truncated tail, by the anchor', () => {
    expect(verifyChain(PLAN, whole.slice(0, 4)).ok).toBe(true);
    expect(verifyChain(PLAN, whole.slice(0, 4), anchor)).toMatchObject({
      ok: false,
      seq: 5,
      problem: 'truncated',
      message: 'Plan plan7, event seq 5 is missing: the stream ends at seq 4, the anchor is at seq 6.',
    });
    expect(verifyChain(PLAN, [], anchor)).toMatchObject({ ok: false, seq: 1, problem: 'truncated' });
  });

  it('finds a text that is no event', () => {
    const broken = rehashed(whole[0]!, { body: 'no JSON' });
    expect(verifyChain(PLAN, [broken])).toMatchObject({ ok: false, seq: 1, problem: 'inserted' });
    const empty = rehashed(whole[0]!, { body: 'null' });
    expect(verifyChain(PLAN, [empty])).toMatchObject({ ok: false, seq: 1, problem: 'inserted' });
  });
});
