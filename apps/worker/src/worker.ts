import {
  DeciderClient,
  DeciderLocator,
  JetStreamJobServer,
  LeaseKeeper,
  onWorkerSignal,
  type Bus,
} from '#bus';
import type { ArtifactStore } from '#artifacts';
import type { Sandbox } from '#sandbox';
import { observe, type Logger } from '#telemetry';
import type { Mirrors } from '#workspace';
import { JobRunner } from './jobs/job-runner.ts';
import type { StepTools } from './steps/step-context.ts';

export interface WorkerOptions {
  worker: string;
  pools: readonly string[];
  slots: number;
  /** From the start of a drain until everything is handed back. */
  drainGraceMs: number;
  bus: Bus;
  leasesDir: string;
  mirrors: Mirrors;
  sandbox: Sandbox;
  sandboxMode: StepTools['sandboxMode'];
  caps: StepTools['caps'];
  artifacts: ArtifactStore;
  /** Bases that this host has found green. */
  baselines: StepTools['baselines'];
  log: Logger;
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
      log,
    });
    this.runner = new JobRunner({
      worker,
      leasesDir: o.leasesDir,
      client: this.client,
      keeper: this.keeper,
      tools: {
        mirrors: o.mirrors,
        sandbox: o.sandbox,
        sandboxMode: o.sandboxMode,
        caps: o.caps,
        artifacts: o.artifacts,
        baselines: o.baselines,
      },
      log,
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
    const timer = setTimeout(() => this.runner.handBackAll(), workMs);
    try {
      await this.transport.drain();
    } finally {
      clearTimeout(timer);
    }
  }
}
