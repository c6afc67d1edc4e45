import { Controller, Get } from '@nestjs/common';
import { openApiDocument } from './describing/openapi.ts';
import { ROUTES } from './describing/routes.ts';

/** What the API says of itself. */
@Controller('v1/openapi.json')
export class DocumentController {
  private readonly document = openApiDocument(ROUTES);

  @Get()
  read() {
    return this.document;
  }
}
