import type { Chance } from '../core/chance.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Surroundings } from '../fleet/surroundings.ts';
import { NO_TROUBLE, type StoreTrouble } from '../store/postgres.ts';
import type { Fault, FaultKind } from './fault.ts';
import { Rogue } from './rogue.ts';

/** Brings the scenario's faults about, and ends them. */
export class Injector {
  private readonly chance: Chance;
  private readonly rogue: Rogue;
  /** Faults that have begun and not ended. */
  private running = 0;
  private left: number;
  private calledOff = false;

  constructor(
    private readonly around: Surroundings,
    private readonly fleet: Fleet,
    private readonly injected: (fault: Fault) => void,
  ) {
    this.chance = around.chance.fork('faults');
    this.rogue = new Rogue(around);
    this.left = around.scenario.faults.length;
  }

  /** No fault is left, and what they had broken is whole again. */
  get isCalm(): boolean {
    return this.running === 0 && this.left === 0;
  }

  start(): void {
    for (const fault of this.around.scenario.faults)
      this.around.world.at(fault.atMs, () => this.begin(fault));
    this.around.onPoison = (name) => {
      const worker = this.fleet.worker(name);
      if (worker) this.fleet.killWorker(worker, this.chance.between(50, 2_000));
    };
  }

  /** No further fault begins; those that have begun end in their time. */
  callOff(): void {
    this.calledOff = true;
    this.left = 0;
  }

  private begin(fault: Fault): void {
    if (this.calledOff) return;
    this.left -= 1;
    if (!this.bring(fault)) return;
    this.injected(fault);
  }

  /** False: there is nobody to whom it could happen now. */
  private bring(fault: Fault): boolean {
    if (fault.kind.startsWith('replica-')) return this.toReplica(fault);
    if (fault.kind.startsWith('worker-')) return this.toWorker(fault);
    if (fault.kind.startsWith('nats-')) return this.crashNats(fault);
    return this.toAll(fault);
  }

  private toReplica(fault: Fault): boolean {
    const replica = this.fleet.replica(fault.target ?? '');
    if (!replica?.isUp) return false;
    const { process } = replica;
    const { nats, postgres } = this.around;
    switch (fault.kind) {
      case 'replica-killed':
        this.fleet.killReplica(replica, fault.forMs);
        return this.during(fault, () => undefined);
      case 'replica-shut-down':
        this.fleet.shutDownReplica(replica, fault.forMs);
        return this.during(fault, () => undefined);
      case 'replica-stopped':
        process.stop();
        return this.during(fault, () => process.goOn());
      case 'replica-cut-from-nats':
        nats.setCut(process, true, this.noticedMs());
        return this.during(fault, () => nats.setCut(process, false, 0));
      case 'replica-cut-from-postgres':
        postgres.setCut(process, true);
        return this.during(fault, () => postgres.setCut(process, false));
      default:
        process.jump(this.leap(fault));
        return true;
    }
  }

  private toWorker(fault: Fault): boolean {
    const worker = this.fleet.worker(fault.target ?? '');
    if (!worker || worker.process.isStopped) return false;
    const { process } = worker;
    const { nats } = this.around;
    switch (fault.kind) {
      case 'worker-killed':
        this.fleet.killWorker(worker, fault.forMs);
        return this.during(fault, () => undefined);
      case 'worker-drained':
        this.fleet.drainWorker(worker, fault.forMs);
        return this.during(fault, () => undefined);
      case 'worker-stopped':
        process.stop();
        return this.during(fault, () => process.goOn());
      case 'worker-cut-from-nats':
        nats.setCut(process, true, this.noticedMs());
        return this.during(fault, () => nats.setCut(process, false, 0));
      default:
        process.jump(this.leap(fault));
        return true;
    }
  }

  private crashNats(fault: Fault): boolean {
    const { nats } = this.around;
    if (!nats.isUp) return false;
    nats.crash();
    const as =
      fault.kind === 'nats-wiped' ? 'wiped' : fault.kind === 'nats-rolled-back' ? 'rolled-back' : 'intact';
    return this.during({ ...fault, forMs: fault.forMs / 4 }, () => nats.restart(as));
  }

  private toAll(fault: Fault): boolean {
    const { nats, postgres } = this.around;
    switch (fault.kind) {
      case 'stream-deleted':
        return this.deleteStream();
      case 'consumer-deleted':
        return this.deleteConsumer();
      case 'messages-lost':
        nats.loss = 0.02 + 0.3 * fault.strength;
        return this.during(fault, () => (nats.loss = 0));
      case 'messages-doubled':
        nats.duplicates = 0.3;
        return this.during(fault, () => (nats.duplicates = 0));
      case 'messages-late':
        nats.extraDelayMs = 2_000 * fault.strength ** 2;
        return this.during(fault, () => (nats.extraDelayMs = 0));
      case 'messages-overtake':
        nats.reorders = true;
        return this.during(fault, () => (nats.reorders = false));
      case 'signals-lost':
        nats.losesSignals = true;
        return this.during(fault, () => (nats.losesSignals = false));
      case 'postgres-down':
        postgres.isUp = false;
        return this.during(fault, () => (postgres.isUp = true));
      case 'commits-refused':
        return this.trouble(fault, { refused: 0.1 + 0.6 * fault.strength });
      case 'commits-unknown':
        return this.trouble(fault, {
          unknownWritten: 0.3 * fault.strength,
          unknownUnwritten: 0.2 * fault.strength,
          unknownLate: 0.2 * fault.strength,
        });
      case 'commits-slow':
        return this.trouble(fault, { slow: 0.1 + 0.4 * fault.strength });
      case 'garbage':
        for (let sent = 0; sent < 8; sent += 1)
          this.around.world.after(this.chance.between(0, fault.forMs), () => this.rogue.send());
        return this.during(fault, () => undefined);
      case 'page-unavailable':
        this.around.pageIsAway = true;
        return this.during(fault, () => (this.around.pageIsAway = false));
      default:
        throw new Error(`nobody knows how to bring about ${fault.kind satisfies FaultKind}`);
    }
  }

  private trouble(fault: Fault, trouble: Partial<StoreTrouble>): boolean {
    this.around.postgres.trouble = { ...NO_TROUBLE, ...trouble };
    return this.during(fault, () => (this.around.postgres.trouble = NO_TROUBLE));
  }

  private deleteStream(): boolean {
    const { jetstream } = this.around.nats;
    const names = [...jetstream.streams.keys()];
    return names.length > 0 && jetstream.delete(this.chance.pick(names));
  }

  private deleteConsumer(): boolean {
    const streams = [...this.around.nats.jetstream.streams.values()].filter(
      ({ consumers }) => consumers.size > 0,
    );
    if (streams.length === 0) return false;
    const { consumers } = this.chance.pick(streams);
    const name = this.chance.pick([...consumers.keys()]);
    consumers.get(name)?.delete();
    return consumers.delete(name);
  }

  private during(fault: Fault, end: () => void): true {
    this.running += 1;
    this.around.world.after(fault.forMs, () => {
      this.running -= 1;
      end();
    });
    return true;
  }

  /** A reset is seen at once, a silent line only by its silence. */
  private noticedMs(): number {
    return this.chance.bool(0.5) ? this.chance.between(1, 100) : this.chance.between(100, 10_000);
  }

  private leap(fault: Fault): number {
    return Math.round((fault.strength - 0.5) * 20_000);
  }
}
