import {
  DeciderClient,
  DeciderLocator,
  JetStreamJobServer,
  LeaseKeeper,
  onWorkerSignal,
  type Bus,
} from '#bus';
import { observe, type Logger } from '#telemetry';
import { JobRunner } from './jobs/job-runner.ts';
import type { Perform } from './jobs/performing.ts';

export interface WorkerOptions {
  worker: string;
  pools: readonly string[];
  slots: number;
  /** From the start of a drain until everything is handed back. */
  drainGraceMs: number;
  bus: Bus;
  /** How the work of a lease is done. */
  perform: Perform;
  log: Logger;
  /** Of each lease (default: 16 bytes that nobody can guess). */
  drawToken?: () => string;
}

/** The parts of one worker, wired. The Nest microservice runs `transport`, whose jobs end up at `runner`. */
export class Worker {
  readonly locator: DeciderLocator;
  readonly client: DeciderClient;
  readonly keeper: LeaseKeeper;
  readonly runner: JobRunner;
  readonly transport: JetStreamJobServer;
  readonly #offSignals: () => void;
  #draining: Promise<void> | null = null;
  #offReadings: () => void = () => undefined;

  constructor(private readonly o: WorkerOptions) {
    const { bus, worker, pools, slots, log } = o;
    this.locator = new DeciderLocator({ bus });
    this.client = new DeciderClient({ bus, locator: this.locator });
    this.keeper = new LeaseKeeper({
      worker,
      pools,
      slots,
      draining: () => this.#draining !== null,
      client: this.client,
      locator: this.locator,
      clock: bus.clock,
      log,
    });
    this.runner = new JobRunner({
      worker,
      perform: o.perform,
      client: this.client,
      keeper: this.keeper,
      log,
      clock: bus.clock,
      ...(o.drawToken && { drawToken: o.drawToken }),
    });
    this.transport = new JetStreamJobServer({ bus, locator: this.locator, pools, slots });
    this.#offSignals = onWorkerSignal(bus, worker, (signal) => this.keeper.onSignal(signal));
  }

  /** Before the transport listens. */
  start(): void {
    this.#offReadings = this.#observe();
    this.locator.start();
    this.keeper.start();
  }

  /**
   * No new jobs; running ones may end within the grace period, then they are handed back. Resolves when none is left.
   * Calling it again changes nothing.
   */
  drain(): Promise<void> {
    if (this.#draining === null) {
      this.#draining = this.#drain();
      // The decider should plan without our slots now, not a third of a lease later.
      this.keeper.beatNow();
    }
    return this.#draining;
  }

  async close(): Promise<void> {
    await this.transport.close();
    this.keeper.stop();
    this.#offSignals();
    this.#offReadings();
    this.locator.stop();
  }

  #observe(): () => void {
    const offs = [
      observe('workerSlots', (tell) => tell(this.#draining === null ? this.o.slots : 0, {})),
      observe('workerJobs', (tell) => tell(this.transport.busy, {})),
    ];
    return () => {
      for (const off of offs) off();
    };
  }

  async #drain(): Promise<void> {
    const { drainGraceMs, log } = this.o;
    log.info({ drainGraceMs, running: this.transport.busy }, 'draining: no new jobs are taken');
    // Stopping programs and telling the decider takes a moment of the grace, too.
    const workMs = Math.max(0, drainGraceMs - Math.min(2_000, drainGraceMs / 5));
    const calloff = this.o.bus.clock.schedule(workMs, () => this.runner.handBackAll());
    try {
      await this.transport.drain();
    } finally {
      calloff();
    }
  }
}
