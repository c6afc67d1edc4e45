import type { LabelValues, MetricDeclaration } from './declaration.ts';
import { metricGroups, seriesMax } from './declared-metrics.ts';

const TITLES: Record<keyof typeof metricGroups, string> = {
  plans: 'Plans, steps, leases, attempts',
  deciding: 'Deciding',
  storing: 'Ledger and projections',
  paging: 'Paging',
  rest: 'REST',
  working: 'Workers',
  running: 'Every process',
};

const BY: Record<MetricDeclaration['by'], string> = {
  coordinator: 'each coordinator',
  decider: 'the decider alone',
  worker: 'each worker',
  both: 'every process',
};

const HEAD = `# Metrics

Made from the table in \`libs/telemetry/src/metrics\` (\`node scripts/write-docs.mjs\`); nothing can be recorded that is not in it.

- A coordinator serves them at \`/metrics\` beside its REST, a worker at \`SKEIN_METRICS_PORT\` ([configuration](configuration.md)).
  How to scrape, boards, alert rules, traces and logs: [telemetry](telemetry.md).
- Gauges that only **the decider** knows are told by the one replica that decides: a standby has no such series, so \`sum\` and
  \`max\` over the fleet are both right. Counters of the decider stay where they were counted: use \`sum(rate(...))\`.
- Counters begin at 0 with the process, so that the first failure is an increase.
- No label is without bounds: there is no plan, step, tenant or worker on any of them. A list is closed; of a capped label the
  first values get series of their own, all others share \`other\`. _Series_ is the most that one process can have, with the
  buckets of histograms; most never exist.
`;

/** docs/metrics.md. */
export function metricsPage(): string {
  const sections = Object.entries(metricGroups).map(([group, metrics]) => {
    const entries = Object.values(metrics as Record<string, MetricDeclaration>).map(entryOf);
    return `## ${TITLES[group as keyof typeof metricGroups]}\n\n${HEADER}\n${entries.join('\n')}\n`;
  });
  return [HEAD, ...sections].join('\n');
}

const HEADER =
  '| name | type | labels | meaning | alert on | from | series |\n| --- | --- | --- | --- | --- | --- | --- |';

function entryOf(metric: MetricDeclaration): string {
  const { name, meaning, alert, by } = metric;
  const cells = [`\`${name}\``, typeOf(metric), labelsOf(metric), meaning, alert, BY[by], seriesMax(metric)];
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}

function typeOf({ kind, unit }: MetricDeclaration): string {
  const type = kind === 'total' ? 'counter' : kind;
  return unit === '1' ? type : `${type}, ${unit}`;
}

function labelsOf({ labels }: MetricDeclaration): string {
  return Object.entries(labels)
    .map(([name, values]) => `\`${name}\`: ${valuesOf(values)}`)
    .join('; ');
}

function valuesOf(values: LabelValues): string {
  if ('first' in values) return `${values.of}, the first ${values.first}`;
  return values.map((value) => `\`${value}\``).join(' ');
}
