import type { PlannedProcess, PlannedWorker } from '../plans/planned-fleet.ts';
import { Replica } from './replica.ts';
import type { Surroundings } from './surroundings.ts';
import { WorkerProcess } from './worker-process.ts';

/** What whoever runs the processes waits for one that was asked to end. */
const GRACE_MS = 30_000;

/** Which processes there are, and how many there have been of each name. */
export class Fleet {
  readonly replicas: Replica[] = [];
  readonly workers: WorkerProcess[] = [];
  private readonly lives = new Map<string, number>();

  constructor(private readonly around: Surroundings) {}

  start(): void {
    for (const planned of this.around.scenario.replicas) this.startReplica(planned);
    for (const planned of this.around.scenario.workers) this.startWorker(planned);
  }

  replica(name: string): Replica | undefined {
    return this.replicas.find(({ process }) => process.name.startsWith(`${name}.`));
  }

  worker(name: string): WorkerProcess | undefined {
    return this.workers.find(({ process }) => process.name === name);
  }

  killReplica(replica: Replica, backAfterMs: number): void {
    remove(this.replicas, replica);
    replica.process.kill();
    this.abandon(replica);
    const name = replica.process.name.split('.')[0];
    const planned = this.around.scenario.replicas.find((candidate) => candidate.name === name);
    if (planned) this.around.world.after(backAfterMs, () => this.startReplica(planned));
  }

  killWorker(worker: WorkerProcess, backAfterMs: number): void {
    remove(this.workers, worker);
    worker.process.kill();
    this.abandon(worker);
    this.comeBack(worker, backAfterMs);
  }

  /** Asked to end, and killed when it does not. */
  shutDownReplica(replica: Replica, backAfterMs: number): void {
    const end = (): void => {
      if (this.replicas.includes(replica)) this.killReplica(replica, backAfterMs);
    };
    this.around.world.after(GRACE_MS, end);
    void replica.shutDown().then(end);
  }

  drainWorker(worker: WorkerProcess, backAfterMs: number): void {
    const end = (): void => {
      if (this.workers.includes(worker)) this.killWorker(worker, backAfterMs);
    };
    this.around.world.after(GRACE_MS, end);
    void worker.drain().then(end);
  }

  private comeBack({ process }: WorkerProcess, afterMs: number): void {
    const planned = this.around.scenario.workers.find(({ name }) => name === process.name);
    if (planned) this.around.world.after(afterMs, () => this.startWorker(planned));
  }

  private abandon({ process }: Replica | WorkerProcess): void {
    const { chance, nats, postgres } = this.around;
    // The kernel closes a dead process's sockets at once; a dead machine closes none.
    nats.abandon(process, chance.bool(0.7) ? chance.between(0, 5) : chance.between(0, 8_000));
    postgres.setCut(process, false);
  }

  private startReplica(planned: PlannedProcess): void {
    void Replica.start(this.around, planned, this.lifeOf(planned.name)).then((replica) =>
      this.replicas.push(replica),
    );
  }

  private startWorker(planned: PlannedWorker): void {
    void WorkerProcess.start(this.around, planned, this.lifeOf(planned.name)).then((worker) =>
      this.workers.push(worker),
    );
  }

  private lifeOf(name: string): number {
    const life = (this.lives.get(name) ?? 0) + 1;
    this.lives.set(name, life);
    return life;
  }
}

function remove<T>(items: T[], item: T): void {
  const index = items.indexOf(item);
  if (index >= 0) items.splice(index, 1);
}
