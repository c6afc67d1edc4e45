import type { LabelValues, MetricDeclaration } from './declaration.ts';
import { deciding } from './declared/deciding.ts';
import { paging } from './declared/paging.ts';
import { plans } from './declared/plans.ts';
import { rest } from './declared/rest.ts';
import { running } from './declared/running.ts';
import { storing } from './declared/storing.ts';
import { working } from './declared/working.ts';

/** By the part of Skein that they tell of, in the order of the documentation. */
export const metricGroups = { plans, deciding, storing, paging, rest, working, running } as const;

/** Every metric of Skein. Nothing else can be recorded; docs/metrics.md, the boards and the alert rules follow from it. */
export const declaredMetrics = {
  ...plans,
  ...deciding,
  ...storing,
  ...paging,
  ...rest,
  ...working,
  ...running,
} as const;

export type MetricKey = keyof typeof declaredMetrics;

/** Metrics of these kinds. */
export type MetricOf<K extends MetricDeclaration['kind']> = {
  [M in MetricKey]: (typeof declaredMetrics)[M]['kind'] extends K ? M : never;
}[MetricKey];

/** A closed list takes its values only; one with `other` on it, and a capped one, take any text. */
type ValueOf<V> = V extends readonly (infer T)[] ? ('other' extends T ? string : T) : string;

/** What a value of this metric must be labelled with. */
export type LabelsOf<M extends MetricKey> = {
  readonly [L in keyof (typeof declaredMetrics)[M]['labels']]: ValueOf<
    (typeof declaredMetrics)[M]['labels'][L]
  >;
};

/** The most series that a metric can have in one process. */
export function seriesMax({ labels, kind, bounds }: MetricDeclaration): number {
  const combinations = Object.values(labels).reduce((product, values) => product * sizeOf(values), 1);
  // Of a histogram: its buckets, the one without a bound, the sum and the count.
  return kind === 'histogram' ? combinations * ((bounds?.length ?? 0) + 3) : combinations;
}

function sizeOf(values: LabelValues): number {
  return 'first' in values ? values.first + 1 : values.length;
}
