import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declaredMetrics } from '#telemetry';
import { loggedAlerts } from './told-codes.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Rows of the table in docs/telemetry.md: code, meaning, what to do, metric. */
function documented(): Map<string, string[]> {
  const page = readFileSync(join(ROOT, 'docs/telemetry.md'), 'utf8');
  const section = page.slice(page.indexOf('### Alerts in the log'));
  const rows = [...section.matchAll(/^\| `([a-z]+(?:-[a-z]+)+)`\s*\|(.+)\|\s*$/gm)];
  return new Map(rows.map(([, code, cells]) => [code!, cells!.split('|').map((cell) => cell.trim())]));
}

describe('the alerts in the log', () => {
  it('are documented, all of them and no other', () => {
    const logged = loggedAlerts();
    expect(logged.length).toBeGreaterThan(5);
    expect([...documented().keys()].sort()).toEqual(logged);
  });

  it('say what they mean, what to do, and which metric tells of them', () => {
    const metrics = new Set<string>(Object.values(declaredMetrics).map(({ name }) => name));
    for (const [code, [meaning, todo, metric]] of documented()) {
      expect([code, meaning!.length > 10, todo!.length > 10]).toEqual([code, true, true]);
      expect([code, metrics.has(metric!.replaceAll('`', ''))]).toEqual([code, true]);
    }
  });

  it('have codes that are words, so that nobody must guess', () => {
    for (const code of loggedAlerts()) expect(code).toMatch(/^[a-z]+(-[a-z]+)+$/);
  });
});
