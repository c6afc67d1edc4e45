import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { MetricDeclaration } from './declaration.ts';
import { declaredMetrics } from './declared-metrics.ts';
import { parsePromQL, type Query, type Selector } from './testing/promql.ts';

const DEPLOY = join(import.meta.dirname, '../../../../deploy');
const metrics = new Map<string, MetricDeclaration>(
  Object.values(declaredMetrics as Record<string, MetricDeclaration>).map((metric) => [metric.name, metric]),
);
/** What Prometheus adds to everything that it scrapes. */
const SCRAPED = ['job', 'instance'];

interface Target {
  refId: string;
  datasource: { type: string; uid: string };
  expr?: string;
  service?: string;
  operation?: string;
  tags?: string;
}
interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { type: string; uid: string };
  targets?: Target[];
  options?: { content?: string };
}
interface Board {
  uid: string;
  title: string;
  schemaVersion: number;
  templating: { list: { name: string; type: string; query: unknown; definition?: string }[] };
  panels: Panel[];
}
interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

const boards = readdirSync(join(DEPLOY, 'grafana')).map((file): [string, Board] => [
  file,
  JSON.parse(readFileSync(join(DEPLOY, 'grafana', file), 'utf8')) as Board,
]);
const rules = (
  parse(readFileSync(join(DEPLOY, 'prometheus/alerts.yaml'), 'utf8')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);

const queries = [
  ...boards.flatMap(([file, board]) =>
    board.panels.flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ expr }) => (expr === undefined ? [] : [[`${file}: ${title}`, expr] as const])),
    ),
  ),
  ...boards.flatMap(([file, { templating }]) =>
    templating.list.flatMap(({ name, definition }) => {
      const asked = /^label_values\((.+), (\w+)\)$/.exec(definition ?? '');
      return asked ? [[`${file}: $${name}`, `count by (${asked[2]}) (${asked[1]})`] as const] : [];
    }),
  ),
  ...rules.map((rule) => [`alert ${rule.alert}`, rule.expr] as const),
];

describe('the boards and alert rules', () => {
  it.each(queries)('%s asks for declared metrics and labels', (_, expr) => {
    const query = parsePromQL(expr);
    expect(query.selectors.length).toBeGreaterThan(0);
    for (const selector of query.selectors) expectDeclared(selector);
    const known = new Set(query.selectors.flatMap((selector) => labelsOf(selector)));
    for (const label of query.groupings) expect([...known]).toContain(label);
    expectSense(query);
  });

  it('have a rule for every metric that says what to alert on', () => {
    const ruled = new Set(
      rules.flatMap(({ expr }) => parsePromQL(expr).selectors.map((one) => metricOf(one).name)),
    );
    const demanded = [...metrics.values()].filter(({ alert }) => alert !== '').map(({ name }) => name);
    expect(demanded.filter((name) => !ruled.has(name))).toEqual([]);
    // And the other way round: no rule that the table does not speak of.
    expect([...ruled].filter((name) => !demanded.includes(name) && !CONTEXT.has(name))).toEqual([]);
  });

  it('show every metric on some board', () => {
    const shown = new Set(
      queries.flatMap(([, expr]) => parsePromQL(expr).selectors.map((one) => metricOf(one).name)),
    );
    expect([...metrics.keys()].filter((name) => !shown.has(name))).toEqual([]);
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s says who must do what', (name, rule) => {
    expect(name).toMatch(/^Skein[A-Z][A-Za-z]+$/);
    expect(['page', 'warn']).toContain(rule.labels.severity);
    expect(rule.annotations.summary.length).toBeGreaterThan(10);
    expect(rule.annotations.description.length).toBeGreaterThan(10);
    const { selectors, groupings } = parsePromQL(rule.expr);
    const known = new Set([...groupings, ...selectors.flatMap((one) => labelsOf(one))]);
    for (const [, label] of JSON.stringify(rule.annotations).matchAll(/\$labels\.(\w+)/g))
      expect([...known]).toContain(label);
  });

  it('are named once each', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    expect(new Set(boards.map(([, { uid }]) => uid)).size).toBe(boards.length);
  });

  it.each(boards)('%s is a board that Grafana takes, with its data source as a variable', (_, board) => {
    expect(board.uid).toMatch(/^skein-[a-z]+$/);
    expect(board.schemaVersion).toBeGreaterThanOrEqual(36);
    const ids = board.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const sources = new Map(
      board.templating.list
        .filter(({ type }) => type === 'datasource')
        .map(({ name, query }) => [`\${${name}}`, query]),
    );
    for (const { title, type, datasource, targets = [], description } of board.panels) {
      if (type === 'row' || type === 'text') continue;
      expect([title, sources.get(datasource!.uid)]).toEqual([title, datasource!.type]);
      expect(description).toBeTruthy();
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const target of targets) expect(target.datasource).toEqual(datasource);
    }
    expect(overlaps(board.panels)).toEqual([]);
  });

  it('look in traces for spans and attributes that there are', async () => {
    const { names } = await import('../names.ts');
    const spans = new Set<string>(Object.values(names.spans));
    const keys = new Set<string>([...Object.values(names.attributes), 'error']);
    const searches = boards.flatMap(([, { panels }]) =>
      panels.flatMap(({ targets = [] }) => targets.filter(({ datasource }) => datasource.type === 'jaeger')),
    );
    expect(searches.length).toBeGreaterThan(1);
    for (const { service, operation, tags = '' } of searches) {
      expect(['skein-coordinator', 'skein-worker']).toContain(service);
      expect(spans.has(operation!)).toBe(true);
      for (const [, key] of tags.matchAll(/([\w.]+)=/g)) expect(keys.has(key!)).toBe(true);
    }
  });

  it('use no variable that is not declared', () => {
    for (const [, board] of boards) {
      const declared = new Set(board.templating.list.map(({ name }) => name));
      for (const [, braced, plain] of JSON.stringify(board).matchAll(/\$\{(\w+)\}|\$([a-z_]+)/g)) {
        const name = braced ?? plain!;
        if (name.startsWith('__')) continue;
        expect([board.title, name, declared.has(name)]).toEqual([board.title, name, true]);
      }
    }
  });
});

/** Beside what a rule is about: what it is compared with. */
const CONTEXT = new Set(['skein_plans_open', 'skein_pool_slots']);

function metricOf({ name }: Selector): MetricDeclaration {
  const metric = metrics.get(name) ?? metrics.get(name.replace(/_(bucket|sum|count)$/, ''));
  if (!metric) throw new Error(`${name} is not in the table of metrics`);
  const suffixed = metric.name !== name;
  if (suffixed !== (metric.kind === 'histogram')) throw new Error(`${name} is a ${metric.kind}`);
  return metric;
}

function labelsOf(selector: Selector): string[] {
  const buckets = selector.name.endsWith('_bucket') ? ['le'] : [];
  return [...Object.keys(metricOf(selector).labels), ...SCRAPED, ...buckets];
}

function expectDeclared(selector: Selector): void {
  const { labels } = metricOf(selector);
  for (const { label, op, value } of selector.matchers) {
    expect(labelsOf(selector)).toContain(label);
    const values = labels[label];
    if (values === undefined || 'first' in values || value.includes('$')) continue;
    for (const one of op.endsWith('~') ? value.split('|') : [value]) expect(values).toContain(one);
  }
}

/** What Prometheus would take and what would still mean nothing. */
function expectSense({ functions, groupings, selectors }: Query): void {
  const rated = new Set<Selector>();
  for (const { name, of } of functions) {
    if (name === 'histogram_quantile') {
      expect(groupings).toContain('le');
      for (const one of of) expect(one.name).toMatch(/_bucket$/);
    }
    if (name === 'rate' || name === 'increase') {
      for (const one of of) {
        rated.add(one);
        expect(one.ranged).toBe(true);
        expect(['counter', 'total', 'histogram']).toContain(metricOf(one).kind);
      }
    }
    if (name === 'deriv' || name === 'changes') for (const one of of) rated.add(one);
  }
  for (const one of selectors) expect(one.ranged).toBe(rated.has(one));
}

function overlaps(panels: readonly Panel[]): string[] {
  const taken = new Map<string, string>();
  const found: string[] = [];
  for (const { title, gridPos } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        const cell = `${x},${y}`;
        if (taken.has(cell)) found.push(`${title} lies on ${taken.get(cell)}`);
        if (x >= 24) found.push(`${title} is outside`);
        taken.set(cell, title);
      }
    }
  }
  return [...new Set(found)];
}
