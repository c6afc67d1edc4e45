import { OTHER, type MetricDeclaration } from './declaration.ts';
import { declaredMetrics, metricGroups, seriesMax } from './declared-metrics.ts';

const all: [string, MetricDeclaration][] = Object.entries(declaredMetrics);

describe('the table of metrics', () => {
  it('has every metric of its groups once', () => {
    const inGroups = Object.values(metricGroups).flatMap((group) => Object.keys(group));
    expect(inGroups.sort()).toEqual(Object.keys(declaredMetrics).sort());
    expect(new Set(all.map(([, { name }]) => name)).size).toBe(all.length);
  });

  it.each(all)('%s has a name as Prometheus wants it', (_, { name, kind, unit }) => {
    expect(name).toMatch(/^(skein|process|nodejs)_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(kind === 'counter' || kind === 'total');
    expect(name.replace(/_total$/, '').endsWith('_seconds')).toBe(unit === 'seconds');
    expect(name.endsWith('_bytes')).toBe(unit === 'bytes');
  });

  it.each(all)('%s says what it means', (_, { meaning }) => {
    expect(meaning).toMatch(/^[A-Z0-9].*[.)]$/);
  });

  it.each(all)('%s has bounds where it is a histogram, and only there', (_, { kind, bounds }) => {
    expect(bounds !== undefined).toBe(kind === 'histogram');
    expect([...(bounds ?? [])].sort((a, b) => a - b)).toEqual(bounds ?? []);
    expect(new Set(bounds).size).toBe(bounds?.length ?? 0);
  });

  it.each(all)(
    '%s has labels within bounds, none of which names one plan, step, worker or tenant',
    (_, metric) => {
      for (const [label, values] of Object.entries(metric.labels)) {
        expect(label).toMatch(/^[a-z]+$/);
        expect(['plan', 'step', 'worker', 'tenant', 'ordinal', 'repository', 'branch']).not.toContain(label);
        if ('first' in values) expect(values.first).toBeLessThanOrEqual(64);
        else expect(new Set(values).size).toBe(values.length);
      }
      expect(seriesMax(metric)).toBeLessThanOrEqual(
        metric.name === 'skein_rest_request_seconds' ? 50_000 : 1_000,
      );
    },
  );

  it('keeps the values of a capped label apart from those that share a series', () => {
    for (const [, { labels }] of all)
      for (const values of Object.values(labels)) if ('first' in values) expect(values.of).not.toBe(OTHER);
  });
});
