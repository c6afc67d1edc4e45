import type { Append } from '#ledger';
import { startTelemetry } from '#telemetry';
import { OtlpReceiver } from '#testing';
import { TurnSpans, type FinishedTurn } from './turn-spans.ts';

const TRACE = (n: number): string => `00-${String(n).padStart(32, '0')}-${'b'.repeat(16)}-01`;

describe('traces of the decision loop', () => {
  let collector: OtlpReceiver;

  beforeEach(async () => {
    collector = await OtlpReceiver.start();
  });
  afterEach(() => collector.stop());

  /** Records and returns what the collector got. */
  async function recorded(...turns: FinishedTurn[]): Promise<OtlpReceiver['spans']> {
    const telemetry = await startTelemetry({ serviceName: 'test', otlpEndpoint: collector.url });
    const spans = new TurnSpans();
    for (const turn of turns) spans.record(turn);
    await telemetry.shutdown();
    return collector.spans;
  }

  it('show a turn with its commit, linked to the messages that it decided on', async () => {
    const appends = [anAppend('plan0001', [TRACE(1), TRACE(1), null]), anAppend('plan0002', [TRACE(2)])];
    await recorded(aTurn({ startedAt: 100, endedAt: 400, inputs: 3, appends }));
    const [turn] = collector.named('decider decide');
    const [append] = collector.named('ledger append');
    expect(turn).toMatchObject({
      parentSpanId: '',
      attributes: { 'skein.term': 4, 'skein.inputs': 3, 'skein.plans': 2, 'skein.events': 4 },
    });
    expect(turn!.links.map(({ traceId }) => Number(traceId))).toEqual([1, 2]);
    expect(append).toMatchObject({ traceId: turn!.traceId, parentSpanId: turn!.spanId });
    expect(turn!.endMs - turn!.startMs).toBeGreaterThan(295);
    expect(Math.abs(turn!.startMs - (Date.now() - performance.now() + 100))).toBeLessThan(100);
    expect(append!.startMs).toBeGreaterThanOrEqual(turn!.startMs);
    expect(append!.endMs).toBeLessThanOrEqual(turn!.endMs);
  });

  it('are one a second of quick turns, and all of the slow ones', async () => {
    const quick = Array.from({ length: 3_000 }, (_, i) => aTurn({ startedAt: i, endedAt: i + 0.5 }));
    const slow = Array.from({ length: 4 }, (_, i) =>
      aTurn({ startedAt: 3_000 + i * 300, endedAt: 3_300 + i * 300 }),
    );
    await recorded(...quick, ...slow);
    expect(collector.named('decider decide')).toHaveLength(3 + 4);
  });

  it('have a bounded number of links, whatever a turn decides on', async () => {
    const traces = Array.from({ length: 500 }, (_, i) => TRACE(i + 1));
    await recorded(aTurn({ startedAt: 0, endedAt: 1, appends: [anAppend('plan0001', traces)] }));
    expect(collector.named('decider decide')[0]?.links).toHaveLength(32);
  });

  it('cost nothing worth naming where nobody collects them', () => {
    const spans = new TurnSpans();
    const turns = Array.from({ length: 100_000 }, (_, i) => aTurn({ startedAt: i, endedAt: i + 0.5 }));
    const startedAt = performance.now();
    for (const turn of turns) spans.record(turn);
    expect((performance.now() - startedAt) / turns.length).toBeLessThan(0.02);
  });
});

function aTurn(o: { startedAt: number; endedAt: number; inputs?: number; appends?: Append[] }): FinishedTurn {
  const { startedAt, endedAt, inputs = 1, appends = [anAppend('plan0001', [null])] } = o;
  return { term: 4, startedAt, endedAt, inputs, commit: { appends, startedAt, endedAt } };
}

function anAppend(planId: string, traceparents: (string | null)[]): Append {
  const events = traceparents.map(() => ({ type: 'plan.closed' as const, data: {} }));
  const expected = { seq: 0, hash: '0'.repeat(64) };
  return { planId, expected, at: '2026-11-20T12:00:00.000Z', traceparent: null, traceparents, events };
}
