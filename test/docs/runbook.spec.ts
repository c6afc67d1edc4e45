import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PAGE_KINDS } from '#paging';
import { declaredMetrics } from '#telemetry';
import { anchorsOf } from './page-anchors.ts';
import { holdKinds, loggedAlerts, problemCodes, reasonCodes } from './told-codes.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8');

interface Rule {
  alert: string;
  labels: { severity: string };
  annotations: Record<string, string>;
}

const rules = (
  parse(readFileSync(join(ROOT, 'deploy/prometheus/alerts.yaml'), 'utf8')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);

/** The text of a section, up to the next heading of its level or above. */
function section(heading: string): string {
  const level = /^#+/.exec(heading)![0].length;
  const begin = PAGE.indexOf(`\n${heading}\n`);
  if (begin === -1) throw new Error(`the runbook has no section "${heading}"`);
  const text = PAGE.slice(begin + heading.length + 2);
  const end = text.search(new RegExp(`^#{1,${level}} `, 'm'));
  return end === -1 ? text : text.slice(0, end);
}

/** First cells of the rows of a section's tables, each with all that the row says of it. */
function rowsOf(heading: string): Map<string, string> {
  const rows = [...section(heading).matchAll(/^\| `([^`]+)` \|(.+)\|$/gm)];
  const codes = rows.map(([, code]) => code!);
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  return new Map(rows.map(([, code, rest]) => [code!, rest!]));
}

describe('the runbook', () => {
  it.each([
    ['## Alerts in the log', loggedAlerts()],
    ['## Pages', [...PAGE_KINDS]],
    ['## Waits', holdKinds()],
    ['## Reasons', reasonCodes()],
    ['## Problems of the API', problemCodes()],
    ['## Metrics to watch', Object.values(declaredMetrics).map(({ name }) => name)],
  ])('has in "%s" every code that the programs know, and no other', (heading, codes) => {
    expect(codes.length).toBeGreaterThan(5);
    const rows = rowsOf(heading);
    expect([...rows.keys()].sort()).toEqual([...new Set(codes)].sort());
    for (const [code, said] of rows)
      expect([code, said.replaceAll('|', '').trim().length > 3]).toEqual([code, true]);
  });

  it.each(rules)(
    'says of the alert $alert how urgent it is, what to look at, what to do and what not',
    (rule) => {
      const said = section(`### ${rule.alert}`);
      expect(said).toMatch(new RegExp(`^\\*\\*${rule.labels.severity}\\.\\*\\* \\S`));
      for (const word of ['Look', 'Do', 'Not']) expect(said).toMatch(new RegExp(`\\b${word}: \\S`));
    },
  );

  it('is named, with an anchor that is there, by every alert rule', () => {
    for (const { alert, annotations } of rules)
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
    const anchors = anchorsOf(PAGE);
    expect(rules.filter(({ alert }) => !anchors.has(alert.toLowerCase()))).toEqual([]);
  });

  it('has no section of an alert that there is not', () => {
    const named = [...section('## Alert rules').matchAll(/^### (\S+)$/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });
});
