import { overviewTraceparent, STEP_SPANS_MAX } from './overview-ids.ts';
import { overviewSpans } from './overview-spans.ts';
import type { OverviewPlan, OverviewStep } from './overview-plan.ts';
import { resourceOf } from './exporting.ts';

const resource = resourceOf('skein-coordinator', {});
const at = (second: number) => new Date(Date.UTC(2026, 10, 20, 12, 0, second)).toISOString();
const lease = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

function step(ordinal: number, given: Partial<OverviewStep> = {}): OverviewStep {
  return {
    ordinal,
    name: `convert[${ordinal}]`,
    startedAt: at(ordinal),
    endedAt: at(ordinal + 2),
    outcome: 'passed',
    leaseTraceparents: [],
    ...given,
  };
}

function plan(given: Partial<OverviewPlan> = {}): OverviewPlan {
  const steps = given.steps ?? [step(1), step(2)];
  return {
    planId: 'p1',
    name: 'promises',
    submittedAt: at(0),
    endedAt: at(50),
    outcome: 'completed',
    traceparent: null,
    stepCount: steps.length,
    steps,
    ...given,
  };
}

describe('the overview of a plan', () => {
  it('is a root with a span per step below it, at the times of the ledger', () => {
    const [root, first, second] = overviewSpans(plan(), resource);
    expect(root).toMatchObject({
      name: 'plan',
      attributes: { 'skein.plan.id': 'p1', 'skein.outcome': 'completed' },
    });
    expect(root?.parentSpanContext).toBeUndefined();
    for (const child of [first, second]) {
      expect(child?.name).toBe('step');
      expect(child?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
      expect(child?.spanContext().traceId).toBe(root?.spanContext().traceId);
    }
    expect(first?.startTime).toEqual([Date.parse(at(1)) / 1_000, 0]);
    expect(first?.duration).toEqual([2, 0]);
  });

  it('has the same ids whoever writes it, and others for another plan', () => {
    const ids = (facts: OverviewPlan) =>
      overviewSpans(facts, resource).map(
        (span) => `${span.spanContext().traceId} ${span.spanContext().spanId}`,
      );
    expect(ids(plan())).toEqual(ids(structuredClone(plan())));
    expect(new Set([...ids(plan()), ...ids(plan({ planId: 'p2' }))]).size).toBe(6);
    expect(ids(plan())[0]).toBe(overviewTraceparent('p1').split('-').slice(1, 3).join(' '));
  });

  it('holds the steps that have ended while the plan goes on, and the root at its end', () => {
    const running = overviewSpans(plan({ endedAt: null, outcome: null, steps: [step(1)] }), resource);
    expect(running.map((span) => span.name)).toEqual(['step']);
    expect(running[0]?.spanContext()).toEqual(overviewSpans(plan(), resource)[1]?.spanContext());
  });

  it('links each step to the live traces of its leases, and the root to the submission', () => {
    const facts = plan({
      traceparent: lease('c'),
      steps: [step(1, { leaseTraceparents: [lease('a'), lease('b'), 'x'] })],
    });
    const [root, first] = overviewSpans(facts, resource);
    expect(root?.links.map((link) => link.context.traceId)).toEqual(['c'.repeat(32)]);
    expect(first?.links.map((link) => link.context.traceId)).toEqual(['a'.repeat(32), 'b'.repeat(32)]);
  });

  it('marks what did not pass', () => {
    const facts = plan({
      outcome: 'halted',
      steps: [step(1, { outcome: 'poisoned' }), step(2, { outcome: 'skipped' })],
    });
    expect(overviewSpans(facts, resource).map((span) => span.status.code)).toEqual([2, 2, 1]);
  });

  it('never lets a span end before it starts, whatever the clocks said', () => {
    const [, first] = overviewSpans(
      plan({ steps: [step(1, { startedAt: at(9), endedAt: at(3) })] }),
      resource,
    );
    expect(first?.duration).toEqual([0, 0]);
  });

  it('of a very large plan has one span per definition, with the failed leases linked', () => {
    const steps = Array.from({ length: STEP_SPANS_MAX + 1 }, (_, i) =>
      step(i, { name: i === 0 ? 'list' : `convert[${i}]`, startedAt: at(i % 60), endedAt: at((i % 60) + 1) }),
    );
    steps[7] = step(7, { outcome: 'blocked', leaseTraceparents: [lease('d')] });
    const spans = overviewSpans(plan({ steps }), resource);
    expect(
      spans.map((span) => [span.name, span.attributes['skein.step.name'], span.attributes['skein.outcomes']]),
    ).toEqual([
      ['plan', undefined, undefined],
      ['matrix', 'list', 'passed=1'],
      ['matrix', 'convert', 'blocked=1 passed=1999'],
    ]);
    expect(spans[2]?.links.map((link) => link.context.traceId)).toEqual(['d'.repeat(32)]);
    expect(spans[2]?.startTime).toEqual([Date.parse(at(0)) / 1_000, 0]);
    expect(
      overviewSpans(plan({ steps: steps.slice(0, 3), stepCount: steps.length, endedAt: null }), resource),
    ).toEqual([]);
  });

  it('bounds the links and texts that it carries', () => {
    const [, first] = overviewSpans(
      plan({
        steps: [step(1, { name: 'x'.repeat(9_999), leaseTraceparents: Array<string>(500).fill(lease('a')) })],
      }),
      resource,
    );
    expect(first?.links).toHaveLength(128);
    expect(first?.droppedLinksCount).toBe(372);
    expect(String(first?.attributes['skein.step.name'])).toHaveLength(1_024);
  });
});
