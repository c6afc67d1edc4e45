// Writes the pages of docs/ that are made from the program. After `npm run build`: node scripts/write-docs.mjs
import { writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { configurationPage } from '../dist/libs/config/src/index.js';
import { metricsPage } from '../dist/libs/telemetry/src/index.js';
import { planJsonSchema } from '../dist/libs/contracts/src/index.js';

const docs = new URL('../docs/', import.meta.url);

await write('plan.schema.json', JSON.stringify(planJsonSchema()), 'json');
await write('configuration.md', configurationPage(), 'markdown');
await write('metrics.md', metricsPage(), 'markdown');

async function write(name, content, parser) {
  const file = new URL(name, docs);
  await writeFile(file, await format(content, { ...(await resolveConfig(file)), parser }));
}
