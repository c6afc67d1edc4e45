import { type Attributes, type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { names } from './names.ts';
import { overviewSpanId, overviewTraceId, STEP_SPANS_MAX } from './overview-ids.ts';
import type { OverviewPlan, OverviewStep } from './overview-plan.ts';
import { linksTo, TRACER_NAME } from './spans.ts';

const LINKS_MAX = 128;
const TEXT_MAX = 1_024;

interface SpanFacts {
  id: string;
  name: string;
  startedAt: string;
  endedAt: string;
  failed: boolean;
  attributes: Attributes;
  traceparents: string[];
}

/**
 * The spans of what has ended so far. Pure: the same facts give the same spans with the same ids, whoever writes them
 * and how often.
 */
export function overviewSpans(plan: OverviewPlan, resource: ReadableSpan['resource']): ReadableSpan[] {
  const traceId = overviewTraceId(plan.planId);
  const rootId = overviewSpanId(plan.planId, 'root');
  const root = plan.endedAt === null ? [] : [rootFacts(plan, plan.endedAt, rootId)];
  const steps =
    plan.stepCount > STEP_SPANS_MAX ? groupFacts(plan) : plan.steps.map((step) => stepFacts(plan, step));
  return [
    ...root.map((facts) => readable(facts, { traceId, parentId: null, resource })),
    ...steps.map((facts) => readable(facts, { traceId, parentId: rootId, resource })),
  ];
}

function rootFacts(plan: OverviewPlan, endedAt: string, id: string): SpanFacts {
  return {
    id,
    name: names.spans.plan,
    startedAt: plan.submittedAt,
    endedAt,
    failed: plan.outcome !== 'completed',
    attributes: {
      [names.attributes.planId]: plan.planId,
      [names.attributes.planName]: plan.name,
      [names.attributes.outcome]: plan.outcome ?? 'unknown',
      [names.attributes.stepCount]: plan.stepCount,
    },
    traceparents: plan.traceparent === null ? [] : [plan.traceparent],
  };
}

function stepFacts(plan: OverviewPlan, step: OverviewStep): SpanFacts {
  return {
    id: overviewSpanId(plan.planId, `step ${step.ordinal}`),
    name: names.spans.step,
    startedAt: step.startedAt,
    endedAt: step.endedAt,
    failed: isFailed(step),
    attributes: {
      [names.attributes.planId]: plan.planId,
      // As people and the lease traces write it: one key has one type.
      [names.attributes.stepOrdinal]: `s${step.ordinal}`,
      [names.attributes.stepName]: step.name,
      [names.attributes.outcome]: step.outcome,
    },
    traceparents: step.leaseTraceparents,
  };
}

/** Only at the end: a group that is written while it grows would change under the reader. */
function groupFacts(plan: OverviewPlan): SpanFacts[] {
  if (plan.endedAt === null) return [];
  const groups = Map.groupBy(plan.steps, (step) => groupName(step.name));
  return [...groups].map(([name, steps]) => ({
    id: overviewSpanId(plan.planId, `group ${name}`),
    name: names.spans.matrix,
    startedAt: earliest(steps.map((step) => step.startedAt)),
    endedAt: latest(steps.map((step) => step.endedAt)),
    failed: steps.some(isFailed),
    attributes: {
      [names.attributes.planId]: plan.planId,
      [names.attributes.stepName]: name,
      [names.attributes.stepCount]: steps.length,
      [names.attributes.outcomes]: wordOutcomes(steps),
    },
    // The lease traces that one wants to open are those of the steps that did not pass.
    traceparents: steps.filter(isFailed).flatMap((step) => step.leaseTraceparents),
  }));
}

/** `convert` of `convert[src/a.js]`: names of definitions hold no bracket. */
function groupName(stepName: string): string {
  return stepName.split('[', 1)[0]!;
}

function isFailed(step: OverviewStep): boolean {
  return step.outcome !== 'passed' && step.outcome !== 'skipped';
}

function wordOutcomes(steps: readonly OverviewStep[]): string {
  const counts = Object.entries(Object.groupBy(steps, (step) => step.outcome));
  return counts
    .map(([outcome, own]) => `${outcome}=${own?.length ?? 0}`)
    .sort()
    .join(' ');
}

function readable(
  facts: SpanFacts,
  o: { traceId: string; parentId: string | null; resource: ReadableSpan['resource'] },
): ReadableSpan {
  const contextOf = (spanId: string) => ({ traceId: o.traceId, spanId, traceFlags: TraceFlags.SAMPLED });
  const startMs = Date.parse(facts.startedAt);
  // Clocks of different machines: a span never ends before it starts.
  const endMs = Math.max(startMs, Date.parse(facts.endedAt));
  return {
    name: facts.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => contextOf(facts.id),
    ...(o.parentId === null ? {} : { parentSpanContext: contextOf(o.parentId) }),
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(endMs - startMs),
    ended: true,
    status: { code: facts.failed ? SpanStatusCode.ERROR : SpanStatusCode.OK },
    attributes: boundTexts(facts.attributes),
    links: linksTo(facts.traceparents.slice(0, LINKS_MAX)),
    events: [],
    resource: o.resource,
    instrumentationScope: { name: TRACER_NAME },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: Math.max(0, facts.traceparents.length - LINKS_MAX),
  };
}

function boundTexts(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      key,
      typeof value === 'string' ? value.slice(0, TEXT_MAX) : value,
    ]),
  );
}

/** ISO 8601 in UTC sorts as text; of 100,000 steps `Math.min(...)` would overflow the stack. */
function earliest(times: readonly string[]): string {
  return times.reduce((best, time) => (time < best ? time : best));
}

function latest(times: readonly string[]): string {
  return times.reduce((best, time) => (time > best ? time : best));
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000];
}
