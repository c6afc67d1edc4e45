import type { PlanEvent, StepInstance } from '#domain';
import {
  EMPTY_HEAD,
  LedgerDatabase,
  PageOutbox,
  PostgresLedger,
  PostgresTerms,
  Projector,
  migrate,
  type Head,
} from '#ledger';
import { silentLogger, type Logger } from '#telemetry';
import { aPlan, aStep, freshDatabase, type FreshDatabase } from '#testing';
import { Pager, type PagerOptions } from '../pager.ts';
import type { SinkSettings } from '../sinks/sink.ts';

export const reason = { code: 'leases-used-up', message: 'its worker was lost 3 times' };
const by = { name: 'ada', via: 'cli' };

export const poisoned = (ordinal: number): PlanEvent => ({
  type: 'step.poisoned',
  data: { ordinal, epoch: 3, reason },
});
export const halted: PlanEvent = { type: 'plan.halted', data: { reason, steps: [0] } };
export const goesOn: PlanEvent = { type: 'plan.reopened', data: { by, why: null } };

/** A ledger with plans in it, and pagers that follow it: everything but the decider. */
export class PagedFleet {
  private readonly heads = new Map<string, Head>();
  private readonly open: { stop(): Promise<void> }[] = [];
  /** What the pagers logged. */
  readonly logged: { level: string; fields: Record<string, unknown>; message: string }[] = [];

  private constructor(
    readonly fresh: FreshDatabase,
    readonly database: LedgerDatabase,
    readonly outbox: PageOutbox,
    private readonly ledger: PostgresLedger,
    private readonly term: number,
    private readonly projector: Projector,
  ) {}

  static async start(): Promise<PagedFleet> {
    const fresh = await freshDatabase();
    const { runtimeUrl: url } = await migrate({ adminUrl: fresh.adminUrl, log: silentLogger });
    const database = new LedgerDatabase({ url, log: silentLogger });
    const taken = await new PostgresTerms(database).campaign('spec');
    const projector = new Projector(database, { log: silentLogger, pollMs: 20 });
    projector.start();
    const ledger = new PostgresLedger(database);
    return new PagedFleet(fresh, database, new PageOutbox(database), ledger, taken!.term, projector);
  }

  /** A plan of ten steps, `s0` to `s9`. */
  async submit(planId: string, name = 'Migrate', source?: string): Promise<void> {
    const definition = aPlan({ name, steps: [aStep({ name: 'convert' })] });
    const submission = {
      tenant: 'local',
      definition,
      digest: 'd',
      idempotencyKey: planId,
      by,
      traceparent: null,
      ...(source !== undefined && { forkedFrom: { planId: source, seq: 1, results: {} } }),
    };
    const steps = Array.from({ length: 10 }, (_, ordinal): StepInstance => {
      return { ordinal, name: `convert[${ordinal}]`, kind: 'noop', definition: 0, matrix: null };
    });
    await this.append(
      planId,
      { type: 'plan.submitted', data: submission },
      { type: 'plan.expanded', data: { baseSha: null, steps, texts: {} } },
    );
  }

  async append(planId: string, ...events: PlanEvent[]): Promise<void> {
    const at = new Date().toISOString();
    const expected = this.heads.get(planId) ?? EMPTY_HEAD;
    const [result] = await this.ledger.appendAll(this.term, [
      { planId, expected, at, traceparent: null, events },
    ]);
    if (result?.status !== 'appended') throw new Error(`plan ${planId} was not appended to`);
    this.heads.set(planId, result.head);
    this.projector.nudge();
    for (const one of this.open) if (one instanceof Pager) one.follow([{ events }]);
  }

  /** One replica's pager, impatient. */
  pager(sinks: SinkSettings[], o: Partial<PagerOptions> = {}): Pager {
    const pager = new Pager({
      sinks,
      outbox: this.outbox,
      rendering: { fleet: 'spec', baseUrl: null },
      log: this.logger,
      active: () => true,
      timeoutMs: 300,
      random: () => 1,
      ...o,
      limits: { backoff: { firstMs: 20, maxMs: 160 }, ...o.limits },
    });
    this.open.push(pager);
    pager.start();
    return pager;
  }

  /** Sinks begin with what is committed after they were first seen. */
  async seen(pager: Pager): Promise<void> {
    const deadline = performance.now() + 10_000;
    while ((await this.outbox.states(pager.names)).length < pager.names.length) {
      if (performance.now() > deadline) throw new Error('no pager looked at its sinks');
      await new Promise((wake) => setTimeout(wake, 5));
    }
  }

  async stop(): Promise<void> {
    for (const one of this.open.splice(0)) await one.stop();
    await this.projector.stop();
    await this.database.close();
    await this.fresh.drop();
  }

  private get logger(): Logger {
    const at = (level: string) => (fields: object, message: string) =>
      void this.logged.push({ level, fields: fields as Record<string, unknown>, message });
    const log: Logger = {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: () => log,
    };
    return log;
  }
}
