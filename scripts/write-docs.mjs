// Writes the pages of docs/ that are made from the program. After `npm run build`: node scripts/write-docs.mjs
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { openApiDocument } from '../dist/apps/coordinator/src/api/describing/openapi.js';
import { ROUTES } from '../dist/apps/coordinator/src/api/describing/routes.js';
import { configurationPage } from '../dist/libs/config/src/index.js';
import { metricsPage } from '../dist/libs/telemetry/src/index.js';
import { planFormatPage, planJsonSchema } from '../dist/libs/contracts/src/index.js';

const docs = new URL('../docs/', import.meta.url);

await write('plan.schema.json', JSON.stringify(planJsonSchema()), 'json');
await write('plan-format.md', planFormatPage(await text('page.md'), await planExamples()), 'markdown');
// Then scripts/write-client.mjs: the client's types are made of it.
await write('openapi.json', JSON.stringify(openApiDocument(ROUTES)), 'json');
await write('configuration.md', configurationPage(), 'markdown');
await write('metrics.md', metricsPage(), 'markdown');

/** As libs/testing reads them for the specs. */
async function planExamples() {
  const { examples } = JSON.parse(await text('examples.json'));
  return Promise.all(
    examples.map(async ({ name, files = [] }) => ({
      name,
      text: await text(`examples/${name}.yaml`),
      files: Object.fromEntries(
        await Promise.all(files.map(async (path) => [path, await text(`examples/${path}`)])),
      ),
    })),
  );
}

function text(path) {
  return readFile(new URL(`plan-format/${path}`, docs), 'utf8');
}

async function write(name, content, parser) {
  const file = new URL(name, docs);
  await writeFile(file, await format(content, { ...(await resolveConfig(file)), parser }));
}
