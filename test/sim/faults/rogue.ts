import { Subjects, type LeaseKey } from '#contracts';
import type { Chance } from '../core/chance.ts';
import { Process } from '../core/process.ts';
import { NAMESPACE, type Surroundings } from '../fleet/surroundings.ts';
import type { Connection } from '../network/connection.ts';

const VERBS = ['claim', 'attempt', 'result', 'release', 'heartbeat'] as const;
/** Messages of workers that it remembers. */
const HEARD_MAX = 20;

interface Heard {
  verb: string;
  body: { lease: LeaseKey };
}

/**
 * A client that should not be there: it sends what nobody understands, what only looks right, and what it has overheard,
 * under another name.
 */
export class Rogue {
  private readonly chance: Chance;
  private readonly subjects = new Subjects(NAMESPACE);
  private readonly connection: Connection;
  private readonly heard: Heard[] = [];
  private term = 1;

  constructor(private readonly around: Surroundings) {
    this.chance = around.chance.fork('rogue');
    const process = new Process(around.world, 'rogue', { rate: 1, offsetMs: 0 }, this.chance.fork('process'));
    this.connection = around.nats.connect(process);
    if (around.scenario.faults.some(({ kind }) => kind === 'garbage')) this.listen();
  }

  send(): void {
    const { chance, subjects } = this;
    switch (chance.int(0, 6)) {
      case 0:
        return this.connection.publish(subjects.announcements(), this.nonsense());
      case 1:
        return this.connection.publish(subjects.worker(this.someWorker()), this.nonsense());
      case 2: {
        const { planId, ordinal } = this.someLease();
        const job = { pool: 'default', planId, ordinal, epoch: chance.int(1, 3) };
        return this.connection.publish(subjects.job(job), this.nonsense());
      }
      case 3:
        return this.ask(chance.pick(VERBS), chance.bool(0.5) ? this.lie() : this.nonsense());
      case 4:
        return this.beat();
      default:
        return this.pose();
    }
  }

  private listen(): void {
    const prefix = `${NAMESPACE}.decider.`;
    this.around.nats.listen(({ name }, { subject, text }) => {
      if (name === 'rogue' || !subject.startsWith(prefix)) return;
      const [, , term = '', verb = ''] = subject.split('.');
      this.term = Math.max(this.term, Number(term));
      if (verb === 'heartbeat' || verb === 'command') return;
      this.heard.push({ verb, body: JSON.parse(text) as Heard['body'] });
      if (this.heard.length > HEARD_MAX) this.heard.shift();
    });
  }

  /** What a worker said, token and all, as if another one had said it. */
  private pose(): void {
    if (this.heard.length === 0) return this.beat();
    const { verb, body } = this.chance.pick(this.heard);
    const worker = this.chance.pick(['w1', 'w2', 'w3', 'w4'].filter((name) => name !== body.lease.worker));
    this.ask(verb, JSON.stringify({ ...body, lease: { ...body.lease, worker } }));
  }

  /** A heartbeat for a lease that somebody holds, without its token. */
  private beat(): void {
    const lease = this.heard.length === 0 ? this.someLease() : this.chance.pick(this.heard).body.lease;
    const worker = this.around.scenario.workers.find(({ name }) => name === lease.worker);
    if (!worker) return;
    const { planId, ordinal, epoch } = lease;
    const leases = [{ planId, ordinal, epoch, token: '0'.repeat(32) }];
    const { name, pools, slots } = worker;
    this.ask('heartbeat', JSON.stringify({ worker: name, pools, slots, draining: false, leases }));
  }

  private ask(verb: string, text: string): void {
    const subject = `${NAMESPACE}.decider.${this.term}.${verb}`;
    this.connection.request(subject, text, { timeout: 1_000 }).catch(() => undefined);
  }

  /** A message that the schemas may take, about a lease that nobody gave. */
  private lie(): string {
    const lease = this.someLease();
    const result = { status: 'blocked', reason: { code: 'rogue', message: 'trust me' } };
    return JSON.stringify(this.chance.bool(0.5) ? { lease, result, traceparent: null } : { lease });
  }

  private someLease(): LeaseKey {
    const { chance } = this;
    return {
      planId: chance.pick(this.around.scenario.plans).planId,
      ordinal: chance.int(0, 12),
      epoch: chance.int(1, 4),
      worker: this.someWorker(),
      token: '0'.repeat(32),
    };
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
