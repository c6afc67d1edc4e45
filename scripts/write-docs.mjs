// Writes the pages of docs/ that are made from the program. After `npm run build`: node scripts/write-docs.mjs
import { writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { openApiDocument } from '../dist/apps/coordinator/src/api/describing/openapi.js';
import { ROUTES } from '../dist/apps/coordinator/src/api/describing/routes.js';
import { configurationPage } from '../dist/libs/config/src/index.js';
import { metricsPage } from '../dist/libs/telemetry/src/index.js';
import { planJsonSchema } from '../dist/libs/contracts/src/index.js';

const docs = new URL('../docs/', import.meta.url);

await write('plan.schema.json', JSON.stringify(planJsonSchema()), 'json');
// Then scripts/write-client.mjs: the client's types are made of it.
await write('openapi.json', JSON.stringify(openApiDocument(ROUTES)), 'json');
await write('configuration.md', configurationPage(), 'markdown');
await write('metrics.md', metricsPage(), 'markdown');

async function write(name, content, parser) {
  const file = new URL(name, docs);
  await writeFile(file, await format(content, { ...(await resolveConfig(file)), parser }));
}
