import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApiDocument, type JsonObject } from './openapi.ts';
import { ROUTES } from './routes.ts';

const COMMITTED = join(import.meta.dirname, '../../../../../docs/openapi.json');

describe('the OpenAPI document', () => {
  const document = openApiDocument(ROUTES);
  const operations = Object.values(document['paths'] as Record<string, Record<string, JsonObject>>).flatMap(
    (path) => Object.values(path),
  );

  it('is one', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect([valid, errors]).toEqual([true, undefined]);
  });

  it('is committed: npm run build && node scripts/write-docs.mjs && node scripts/write-client.mjs', async () => {
    expect(JSON.parse(await readFile(COMMITTED, 'utf8'))).toEqual(document);
  });

  it('names each operation once', () => {
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(ROUTES.length);
  });

  it('says of every operation how it fails', () => {
    for (const { responses } of operations) {
      expect(responses).toMatchObject({
        default: {
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      });
    }
  });

  it('tells shared schemas once, and names no schema that it does not have', () => {
    const named = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    const { schemas } = document['components'] as { schemas: JsonObject };
    expect(new Set(named)).toEqual(new Set(Object.keys(schemas)));
  });

  it('refuses what is not asked for in requests, and lets answers grow', () => {
    const closed = JSON.stringify(operations.map(({ requestBody }) => requestBody ?? null));
    expect(closed).toContain('"additionalProperties":false');
    const { schemas } = document['components'] as { schemas: JsonObject };
    expect(JSON.stringify(schemas)).not.toContain('"additionalProperties":false');
  });
});
