import { BATCH_SIZES, type MetricDeclaration, SHORT_SECONDS } from '../declaration.ts';

/** The ledger and what is computed from it. */
export const storing = {
  appendDuration: {
    name: 'skein_ledger_append_seconds',
    kind: 'histogram',
    unit: 'seconds',
    by: 'coordinator',
    labels: {},
    bounds: SHORT_SECONDS,
    meaning: 'One append of the ledger, of many plans in one commit, with its repetitions.',
    alert: 'The 99th percentile is above 0.5 s for 5 m: Postgres or its disk is slow.',
  },
  appendEvents: {
    name: 'skein_ledger_append_events',
    kind: 'histogram',
    unit: '1',
    by: 'coordinator',
    labels: {},
    bounds: BATCH_SIZES,
    meaning: 'Events of one append.',
    alert: '',
  },
  appendFailures: {
    name: 'skein_ledger_append_failures_total',
    kind: 'counter',
    unit: '1',
    by: 'coordinator',
    labels: { kind: ['nothing-written', 'unknown', 'term-lost', 'conflict'] },
    meaning:
      'Appends that failed: surely nothing was written, the outcome is unknown, or the term is over; and plans whose head had moved (`conflict`).',
    alert: '`nothing-written` or `unknown` for 1 m: Postgres cannot be reached.',
  },
  projectorLag: {
    name: 'skein_projector_lag_seconds',
    kind: 'gauge',
    unit: 'seconds',
    by: 'coordinator',
    labels: {},
    meaning:
      'How long ago the projections (plan lists, progress.md) were last known to hold everything committed. Up to 0.5 s is the rhythm of looking.',
    alert: 'Above 30 s for 2 m: what people read is old.',
  },
  overviewWrites: {
    name: 'skein_overview_writes_total',
    kind: 'counter',
    unit: '1',
    by: 'coordinator',
    labels: { result: ['written', 'failed', 'given-up'] },
    meaning: 'Writes of overview traces. What failed is written again, a given-up one stays incomplete.',
    alert: '`given-up`: the collector refuses spans.',
  },
} as const satisfies Record<string, MetricDeclaration>;
