import { Validator } from '@seriousme/openapi-schema-validator';
import { openApiDocument } from './openapi.ts';
import { ROUTES } from './routes.ts';

describe('the OpenAPI document', () => {
  const document = openApiDocument(ROUTES);

  it('is one', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect([valid, errors]).toEqual([true, undefined]);
  });
});
