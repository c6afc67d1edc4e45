import { type Capped, LONG_SECONDS, type MetricDeclaration } from '../declaration.ts';

/** Named by the operator's settings, which allow as many. */
const SINKS: Capped = { first: 16, of: 'names of sinks' };

/** Whether people are told. */
export const paging = {
  pages: {
    name: 'skein_pages_total',
    kind: 'counter',
    unit: '1',
    by: 'coordinator',
    labels: { sink: SINKS, result: ['acknowledged', 'failed', 'given-up'] },
    meaning:
      'Tries to deliver pages: the sink took it, it did not (it is tried again), or it was tried for a day and given up.',
    alert: '`given-up`, any: somebody was not told. The log has them under `alert: page-given-up`.',
  },
  pageLatency: {
    name: 'skein_page_latency_seconds',
    kind: 'histogram',
    unit: 'seconds',
    by: 'coordinator',
    labels: { sink: SINKS },
    bounds: LONG_SECONDS,
    meaning:
      'From the making of a page, right after the commit that it follows from, to its acknowledgement.',
    alert: 'The 95th percentile is above 60 s for 15 m: people are told late.',
  },
  pagesWaiting: {
    name: 'skein_pages_waiting',
    kind: 'gauge',
    unit: '1',
    by: 'decider',
    labels: { sink: SINKS },
    meaning: 'Pages that a sink has not taken yet. At 1,000 no more are made for it until some are gone.',
    alert: 'Above 100 for 10 m.',
  },
  sinkFailing: {
    name: 'skein_sink_failing_seconds',
    kind: 'gauge',
    unit: 'seconds',
    by: 'decider',
    labels: { sink: SINKS },
    merge: 'max',
    meaning: 'For how long a sink has taken nothing that it was sent; 0 when it took the last page.',
    alert:
      'Above 300: people are not told. `skein sinks` says why; the log has it under `alert: sink-failing`.',
  },
} as const satisfies Record<string, MetricDeclaration>;
