import { Subjects } from '#contracts';
import type { Chance } from '../core/chance.ts';
import { Process } from '../core/process.ts';
import { NAMESPACE, type Surroundings } from '../fleet/surroundings.ts';
import type { Connection } from '../network/connection.ts';

const VERBS = ['claim', 'attempt', 'result', 'release', 'heartbeat'] as const;

/** A client that should not be there: it sends what nobody understands, and what only looks right. */
export class Rogue {
  private readonly chance: Chance;
  private readonly subjects = new Subjects(NAMESPACE);
  private readonly connection: Connection;

  constructor(private readonly around: Surroundings) {
    this.chance = around.chance.fork('rogue');
    const process = new Process(around.world, 'rogue', { rate: 1, offsetMs: 0 }, this.chance.fork('process'));
    this.connection = around.nats.connect(process);
  }

  send(): void {
    const { chance, subjects } = this;
    const lie = this.lie();
    const body = chance.bool(0.3) ? JSON.stringify(lie) : this.nonsense();
    const term = chance.int(1, 3);
    switch (chance.int(0, 3)) {
      case 0:
        return this.connection.publish(subjects.announcements(), this.nonsense());
      case 1:
        return this.connection.publish(subjects.worker(this.someWorker()), this.nonsense());
      case 2: {
        const { planId, ordinal } = lie.lease;
        const job = { pool: 'default', planId, ordinal, epoch: chance.int(1, 3) };
        return this.connection.publish(subjects.job(job), this.nonsense());
      }
      default:
        return this.connection.publish(subjects.decider(term, chance.pick(VERBS)), body, { reply: 'nobody' });
    }
  }

  /** A message that the schemas may take, about a lease that nobody gave. */
  private lie() {
    const { chance } = this;
    const plan = chance.pick(this.around.scenario.plans);
    const lease = {
      planId: plan.planId,
      ordinal: chance.int(0, 12),
      epoch: chance.int(1, 4),
      worker: this.someWorker(),
      token: '0'.repeat(32),
    };
    const result = { status: 'blocked', reason: { code: 'rogue', message: 'trust me' } };
    return chance.bool(0.5) ? { lease, result, traceparent: null } : { lease };
  }

  private someWorker(): string {
    return this.chance.pick(this.around.scenario.workers).name;
  }

  private nonsense(): string {
    return this.chance.pick([
      '',
      '{',
      'null',
      '[]',
      '{"version":1}',
      '{"version":9}',
      '"\\u0000"',
      '{"term":1e9}',
    ]);
  }
}
