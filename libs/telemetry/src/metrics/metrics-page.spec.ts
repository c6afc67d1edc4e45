import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declaredMetrics } from './declared-metrics.ts';
import { metricsPage } from './metrics-page.ts';

describe('docs/metrics.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/metrics.md'), 'utf8');

  it('is current: npm run build && node scripts/write-docs.mjs', () => {
    expect(plain(page)).toEqual(plain(metricsPage()));
  });

  it('names every metric and every label', () => {
    for (const { name, labels } of Object.values(declaredMetrics)) {
      const line = page.split('\n').find((text) => text.startsWith(`| \`${name}\` `));
      expect(line).toBeDefined();
      for (const label of Object.keys(labels)) expect(line).toContain(`\`${label}\``);
    }
  });
});

/** The formatter pads tables. By line: of two pages of tables nobody finds the difference. */
function plain(text: string): string[] {
  const lines = text.replaceAll(/-{3,}/g, '---').split('\n');
  return lines.map((line) => line.replaceAll(/\s+/g, ' ').trim()).filter((line) => line !== '');
}
