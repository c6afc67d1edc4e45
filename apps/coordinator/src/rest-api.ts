import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Settings } from '#config';
import type { Logger } from '#telemetry';
import { guardAgainstBrowsers } from './api/browser-guard.ts';
import { openApiDocument } from './api/describing/openapi.ts';
import { checkRequests } from './api/describing/request-check.ts';
import { ROUTES } from './api/describing/routes.ts';
import { serveDocs } from './api/docs-page.ts';
import { PlanLimits } from './api/plan-limits.ts';
import { OpenStreams } from './api/streaming/open-streams.ts';
import { refuseAddress, refuseUnknownRoutes } from './api/unknown-routes.ts';
import { refuseConnection, refuseOnTheWire } from './api/wire-refusals.ts';
import { CoordinatorModule } from './coordinator.module.ts';
import type { Coordinator } from './coordinator.ts';
import { measureRequests } from './measuring/rest-requests.ts';

/** JSON text of a plan in a JSON string: quotes and line breaks double. */
const BODY_PER_TEXT_BYTE = 2;
const ENVELOPE_BYTES = 4_096;
/** A request has to arrive whole in this time, what is refused of it included. */
const REQUEST_TIMEOUT_MS = 60_000;

/** Serves the coordinator over HTTP until the returned application is closed. */
export async function startRestApi(
  settings: Settings,
  coordinator: Coordinator,
  log: Logger,
): Promise<NestFastifyApplication> {
  const { maxBytes, maxSteps } = settings.plans;
  const adapter = new FastifyAdapter({
    bodyLimit: maxBytes * BODY_PER_TEXT_BYTE + ENVELOPE_BYTES,
    // A name of a step may be a path of a repository, percent-encoded.
    routerOptions: { maxParamLength: 2_048, ignoreTrailingSlash: true },
    frameworkErrors: refuseAddress,
    clientErrorHandler: refuseConnection,
    // A request without a Host is refused by the guard, which says why.
    http: { requireHostHeader: false },
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });
  const streams = new OpenStreams({ log, max: settings.rest.streamsMax });
  const limits = new PlanLimits(maxBytes, maxSteps, settings.decider.tenants);
  const module = CoordinatorModule.around(coordinator, { limits, streams, log });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: false,
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  measureRequests(fastify, ROUTES, streams);
  guardAgainstBrowsers(fastify);
  refuseUnknownRoutes(fastify);
  checkRequests(fastify, ROUTES);
  refuseOnTheWire(fastify.server);
  fastify.addHook('preClose', async () => streams.close());
  await serveDocs(app, openApiDocument(ROUTES));
  await app.listen(settings.rest.port, settings.rest.host);
  return app;
}
