import { Bus, JOB_PATTERN, type JobContext } from '#bus';
import type { Job } from '#contracts';
import { Worker } from '../../../apps/worker/src/worker.ts';
import { Process } from '../core/process.ts';
import type { PlannedWorker } from '../plans/planned-fleet.ts';
import { performInSimulation } from './performing.ts';
import { NAMESPACE, type Surroundings } from './surroundings.ts';

/** A worker's process. Only the work itself is played; leases, claims, heartbeats, results and drains are the product's. */
export class WorkerProcess {
  private constructor(
    readonly process: Process,
    readonly worker: Worker,
    private readonly bus: Bus,
  ) {}

  /** `life`: how many processes of this name there were before. They share the worker's name: only tokens tell them apart. */
  static async start(around: Surroundings, planned: PlannedWorker, life: number): Promise<WorkerProcess> {
    const { world, chance, nats, scenario } = around;
    const own = chance.fork(`${planned.name}.${life}`);
    const process = new Process(world, planned.name, { ...planned.drift }, own.fork('process'));
    const { clock, random } = process;
    const log = around.logOf(`${planned.name}.${life}`);
    const bus = await Bus.over((await nats.connectWhenUp(process)).asNats, {
      namespace: NAMESPACE,
      name: planned.name,
      log,
      clock,
      random,
    });
    const tokens = own.fork('tokens');
    const worker = new Worker({
      worker: planned.name,
      pools: planned.pools,
      slots: planned.slots,
      drainGraceMs: scenario.settings.drainGraceMs,
      bus,
      perform: performInSimulation(around, process, own.fork('work')),
      log,
      drawToken: () => Array.from({ length: 32 }, () => tokens.int(0, 15).toString(16)).join(''),
    });
    worker.transport.addHandler(
      JOB_PATTERN,
      (job: Job, context: JobContext) => worker.runner.run(job, context),
      true,
    );
    worker.start();
    worker.transport.listen(() => undefined);
    return new WorkerProcess(process, worker, bus);
  }

  /** SIGTERM: drains, closes, is gone. */
  async drain(): Promise<void> {
    await this.worker.drain();
    await this.worker.close();
    await this.bus.drain();
  }
}
