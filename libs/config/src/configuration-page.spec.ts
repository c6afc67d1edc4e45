import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationPage } from './configuration-page.ts';
import { describeSettings } from './description.ts';

describe('docs/configuration.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');

  it('is current: npm run build && node scripts/write-docs.mjs', () => {
    expect(page.replaceAll(/\s+/g, ' ')).toBe(configurationPage().replaceAll(/\s+/g, ' '));
  });

  it('names every setting', () => {
    for (const { env } of describeSettings()) expect(page).toContain(`\`${env}\``);
  });
});
