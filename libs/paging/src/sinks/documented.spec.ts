import { loadSettings } from '#config';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PAGE_KINDS } from '../page.ts';
import { documentedBody } from '../testing/documented.ts';
import { held } from '../testing/schemas.ts';

describe('docs/paging.md', () => {
  const page = () => readFile(join(import.meta.dirname, '../../../../docs/paging.md'), 'utf8');

  it('shows a body as it is sent', async () => {
    const body = await documentedBody();
    expect(() => held('webhook', body)).not.toThrow();
  });

  it('shows settings that are taken', async () => {
    const [, text = ''] = /SKEIN_SINKS='(.*?)'/s.exec(await page()) ?? [];
    const filled = text
      .replace('<integration key, Events API v2>', 'a'.repeat(32))
      .replace('<at least 16 characters>', 's'.repeat(16));
    const { sinks } = loadSettings({ HOME: '/h', SKEIN_SINKS: filled }).paging;
    expect(sinks.map(({ type }) => type)).toEqual(['pagerduty', 'slack', 'webhook']);
  });

  it('names everything that can be paged', async () => {
    const text = await page();
    for (const kind of PAGE_KINDS) expect(text).toContain(`\`${kind}\``);
  });
});
