import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { JsonObject } from './describing/openapi.ts';

/**
 * Everything comes from us, and nothing is run or shown that does not. Inline styles are the page's own: without them
 * it cannot be read. The document is ours, so no text of a plan gets into this page.
 */
const POLICY = {
  'default-src': "'none'",
  'connect-src': "'self'",
  'script-src': "'self'",
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'", 'data:'],
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

/** The API for people, at `/docs`. What it calls is the API itself, from the same origin. */
export async function serveDocs(app: NestFastifyApplication, document: JsonObject): Promise<void> {
  const specification = { document: document as never };
  await app.register(swagger, { mode: 'static', specification });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: POLICY,
    theme: { title: 'Skein API' },
    validatorUrl: false,
    uiConfig: { docExpansion: 'list', deepLinking: true, tryItOutEnabled: false },
  });
}
