// Writes libs/client/src/generated from docs/openapi.json. `--check`: changes nothing, and fails when it is not current.
// The document itself is written by scripts/write-docs.mjs; both after a change of the API, in that order.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';
import { format, resolveConfig } from 'prettier';

const DOCUMENT = new URL('../docs/openapi.json', import.meta.url);
const GENERATED = new URL('../libs/client/src/generated/', import.meta.url);
const HEAD = '// Made from docs/openapi.json by scripts/write-client.mjs. Not edited by hand.\n\n';

const text = await readFile(DOCUMENT, 'utf8');
const files = {
  'api.ts': astToString(await openapiTS(JSON.parse(text))),
  'answer-keys.ts': answerKeys(JSON.parse(text)),
};

let stale = 0;
for (const [name, content] of Object.entries(files)) {
  const file = new URL(name, GENERATED);
  const wanted = await format(HEAD + content, { ...(await resolveConfig(file)), parser: 'typescript' });
  const current = await readFile(file, 'utf8').catch(() => '');
  if (current === wanted) continue;
  stale += 1;
  if (process.argv.includes('--check')) console.error(`${name} is not what docs/openapi.json says`);
  else await writeFile(file, wanted);
}
if (stale > 0 && process.argv.includes('--check')) process.exitCode = 1;

/** By method and path: the keys that a good answer has, so that a client can tell it from somebody else's. */
function answerKeys({ paths, components }) {
  const keys = {};
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(operations)) {
      const good = Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1];
      let schema = good?.content?.['application/json']?.schema;
      while (schema?.$ref) schema = components.schemas[schema.$ref.split('/').at(-1)];
      if (schema?.required) keys[`${method.toUpperCase()} ${path}`] = schema.required;
    }
  }
  return `export const ANSWER_KEYS: Readonly<Record<string, readonly string[]>> = ${JSON.stringify(keys)};\n`;
}
