/**
 * Workers that hold their steps for a while and pass them, as many as asked for in one process: what a fleet costs the
 * decider, without what work costs. Each has its connection, its pulls, its heartbeats and its leases. Ends with its owner.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  connectBus,
  DeciderClient,
  DeciderLocator,
  JetStreamJobServer,
  JOB_PATTERN,
  LeaseKeeper,
  type JobContext,
} from '#bus';
import type { Job } from '#contracts';
import { silentLogger } from '#telemetry';

const { values } = parseArgs({
  options: {
    nats: { type: 'string', default: '' },
    namespace: { type: 'string', default: '' },
    workers: { type: 'string', default: '1' },
    slots: { type: 'string', default: '1' },
    /** Shortest and longest time that a step is held. */
    minMs: { type: 'string', default: '0' },
    maxMs: { type: 'string', default: '0' },
  },
});
const slots = Number(values.slots);
const minMs = Number(values.minMs);
const maxMs = Number(values.maxMs);
const RESULT_TIMEOUT_MS = 60_000;

/** A fleet that has run for long: of the steps that its workers hold at first, a part is over already. */
let first = Number(values.workers) * slots;

function heldMs(): number {
  const whole = minMs + Math.random() * (maxMs - minMs);
  first -= 1;
  return first >= 0 ? whole * Math.random() : whole;
}

async function startWorker(name: string): Promise<void> {
  const bus = await connectBus({
    url: values.nats,
    namespace: values.namespace,
    name,
    log: silentLogger,
    inboxPrefix: `_INBOX_${name}`,
  });
  const locator = new DeciderLocator({ bus }).start();
  const client = new DeciderClient({ bus, locator });
  const pools = ['default'];
  const server = new JetStreamJobServer({ bus, locator, pools, slots });
  const keeper = new LeaseKeeper({
    client,
    locator,
    log: silentLogger,
    worker: name,
    pools,
    slots,
    draining: () => server.draining,
  }).start();
  const take = async (job: Job, context: JobContext): Promise<void> => {
    const token = randomBytes(16).toString('hex');
    const lease = { planId: job.planId, ordinal: job.ordinal, epoch: job.epoch, worker: name, token };
    const held = keeper.hold(lease, context);
    try {
      await wait(heldMs());
      const result = {
        status: 'passed' as const,
        commit: null,
        outputs: {},
        resolved: null,
        candidate: null,
      };
      await client.request(
        'result',
        { lease, result, traceparent: null },
        AbortSignal.timeout(RESULT_TIMEOUT_MS),
      );
      context.ack();
    } finally {
      held.release();
    }
  };
  server.addHandler(JOB_PATTERN, take, true);
  server.listen(() => undefined);
}

await Promise.all(
  Array.from({ length: Number(values.workers) }, (_, index) => startWorker(`simulated-${index}`)),
);
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
