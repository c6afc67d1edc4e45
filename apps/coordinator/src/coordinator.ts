import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { FileArtifactStore, type ArtifactStore } from '#artifacts';
import { DeciderClient, DeciderLocator, connectBus, type Bus } from '#bus';
import type { Settings } from '#config';
import { celExpressions } from '#contracts';
import {
  EventPages,
  LedgerDatabase,
  PlanViews,
  PostgresLedger,
  PostgresTerms,
  Projector,
  migrate,
  renderProgress,
} from '#ledger';
import type { Pager } from '#paging';
import type { Logger } from '#telemetry';
import { Readiness } from './api/readiness.ts';
import { PlanReader } from './api/plan-reader.ts';
import { LiveEvents } from './api/streaming/live-events.ts';
import { EXPLAINED_STEPS, PlanCommands } from './commands/plan-commands.ts';
import { systemClock } from './deciding/clock.ts';
import { Decider } from './deciding/decider.ts';
import { Elector } from './deciding/elector.ts';
import { makePager } from './paging/make-pager.ts';
import { OverviewWriter } from './publishing/overview-writer.ts';

/** All parts of one coordinator replica, wired and owned: what `start` opens, `stop` closes in reverse. */
export class Coordinator {
  private constructor(
    private readonly parts: {
      database: LedgerDatabase;
      bus: Bus;
      locator: DeciderLocator;
      projector: Projector;
      elector: Elector;
      overview: OverviewWriter;
      pagingDatabase: LedgerDatabase;
    },
    readonly commands: PlanCommands,
    readonly reader: PlanReader,
    readonly readiness: Readiness,
    readonly artifacts: ArtifactStore,
    readonly live: LiveEvents,
    readonly pager: Pager,
  ) {}

  /** Throws when Postgres or NATS cannot be reached, or the settings lack them. */
  static async start(settings: Settings, log: Logger): Promise<Coordinator> {
    const { adminUrl, natsUrl } = required(settings);
    const migrated = await migrate({ adminUrl, schema: settings.ledger.schema, log });
    const { schema, poolSize } = settings.ledger;
    const reach = { url: migrated.runtimeUrl, schema, log };
    const database = new LedgerDatabase({
      ...reach,
      maxConnections: poolSize,
      applicationName: 'skein coordinator',
    });
    const pagingDatabase = new LedgerDatabase({
      ...reach,
      maxConnections: 2,
      applicationName: 'skein paging',
    });
    const name = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
    const bus = await connectBus({
      url: natsUrl,
      namespace: settings.bus.namespace,
      name: `coordinator ${name}`,
      log,
    });
    const ledger = new PostgresLedger(database);
    const terms = new PostgresTerms(database, { ttlMs: settings.decider.termMs });
    const projector = new Projector(database, { log });
    const artifacts = new FileArtifactStore({ rootDir: settings.dirs.artifacts });
    const views = new PlanViews(database);
    const live = new LiveEvents(new EventPages(database), log);
    const locator = new DeciderLocator({ bus }).start();
    const client = new DeciderClient({ bus, locator });
    const overview = new OverviewWriter({ views, projector, settings: settings.telemetry, log });
    const commands: PlanCommands = new PlanCommands({
      elector: () => elector,
      client,
      log,
      forwardTimeoutMs: 10_000,
    });
    const elector: Elector = new Elector({
      terms,
      holder: name,
      ttlMs: settings.decider.termMs,
      log,
      build: (term, onDeposed) => {
        overview.beginTerm();
        pager.tellAlerts(null);
        const decider: Decider = new Decider(
          term,
          {
            name,
            ledger,
            bus,
            clock: systemClock,
            expressions: celExpressions,
            log: log.child({ term }),
            caps: {
              fleet: settings.decider.maxInFlight,
              pools: settings.decider.poolCaps,
              tenants: settings.decider.tenantCaps,
              weights: settings.decider.tenantWeights,
              repositories: settings.decider.repositoryCaps,
              locks: settings.decider.lockCounts,
              openSteps: settings.decider.tenantOpenSteps,
            },
            pools: Object.keys(settings.decider.poolCaps),
            leaseMs: settings.decider.leaseMs,
            claimTimeoutMs: settings.decider.claimTimeoutMs,
            maxSteps: settings.plans.maxSteps,
            trustedTenants: settings.decider.trustedTenants,
            isSure: () => elector.isSure,
            page: async (planId, seq) => {
              const waits = decider.explain(planId, EXPLAINED_STEPS);
              return progressPage({ views, projector, planId, seq, waits });
            },
            onCommand: (message, traceparent) => commands.executeForwarded(message, traceparent),
            onCommitted: (committed) => {
              projector.nudge();
              live.nudge();
              overview.follow(committed);
              pager.follow(committed);
            },
            onAlerts: (alerts) => pager.tellAlerts(alerts),
          },
          onDeposed,
        );
        return decider;
      },
    });
    const active = () => elector.current !== null;
    const pager = makePager({ settings, database: pagingDatabase, log, active });
    projector.start();
    elector.start();
    pager.start();
    const reader = new PlanReader({ views, projector, ledger, artifacts, commands });
    const readiness = new Readiness(terms, bus, elector);
    return new Coordinator(
      { database, bus, locator, projector, elector, overview, pagingDatabase },
      commands,
      reader,
      readiness,
      artifacts,
      live,
      pager,
    );
  }

  /** Hands the term over, then closes everything. */
  async stop(): Promise<void> {
    const { elector, overview, projector, locator, bus, database, pagingDatabase } = this.parts;
    await this.live.stop();
    // Together: a sink that hangs must not keep the next decider waiting.
    await Promise.all([elector.stop(), this.pager.stop()]);
    await overview.stop();
    await projector.stop();
    locator.stop();
    await bus.close();
    await Promise.all([database.close(), pagingDatabase.close()]);
  }
}

/** What the `report` step writes. No links: nobody knows from where the page will be read. */
async function progressPage(o: {
  views: PlanViews;
  projector: Projector;
  planId: string;
  seq: number;
  waits: Record<string, string>;
}): Promise<string> {
  const { views, projector, planId, seq, waits } = o;
  if (!(await projector.waitFor(planId, seq, PAGE_WAIT_MS)))
    throw new Error(`plan ${planId} is not projected up to event ${seq} yet`);
  const plan = await views.plan(planId);
  if (!plan) throw new Error(`plan ${planId} has no view`);
  return renderProgress(plan, await views.steps(planId), { nowMs: systemClock.now(), waits });
}

/** The sweeper asks again. */
const PAGE_WAIT_MS = 10_000;

function required(settings: Settings): { adminUrl: string; natsUrl: string | string[] } {
  const { databaseUrl } = settings.ledger;
  const { natsUrl } = settings.bus;
  if (!databaseUrl)
    throw new Error('DATABASE_URL is not set: a coordinator needs a Postgres (`skein up` starts one)');
  if (!natsUrl)
    throw new Error('NATS_URL is not set: a coordinator needs a NATS server (`skein up` starts one)');
  return { adminUrl: databaseUrl, natsUrl };
}
