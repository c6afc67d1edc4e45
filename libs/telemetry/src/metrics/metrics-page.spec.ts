import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declaredMetrics } from './declared-metrics.ts';
import { metricsPage } from './metrics-page.ts';

describe('docs/metrics.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/metrics.md'), 'utf8');

  it('is current: npm run build && node scripts/write-docs.mjs', () => {
    expect(plain(page)).toBe(plain(metricsPage()));
  });

  it('names every metric and every label', () => {
    for (const { name, labels } of Object.values(declaredMetrics)) {
      const line = page.split('\n').find((text) => text.startsWith(`| \`${name}\` `));
      expect(line).toBeDefined();
      for (const label of Object.keys(labels)) expect(line).toContain(`\`${label}\``);
    }
  });
});

/** The formatter pads tables. */
function plain(text: string): string {
  return text.replaceAll(/-{3,}/g, '---').replaceAll(/\s+/g, ' ');
}
