import { randomBytes } from 'node:crypto';
import {
  DeciderClient,
  DeciderLocator,
  JetStreamJobServer,
  JOB_PATTERN,
  LeaseKeeper,
  connectBus,
  type Bus,
  type HeldLease,
  type JobContext,
} from '#bus';
import type { Job, LeaseKey } from '#contracts';
import { silentLogger } from '#telemetry';

export interface WorkAtHand {
  job: Job;
  lease: LeaseKey;
  client: DeciderClient;
  /** Resolves when the decider has confirmed the lease. */
  claimed: Promise<boolean>;
  /** Fires when the lease is lost. */
  lost: AbortSignal;
  /** Fires when the spec's worker is stopped. */
  signal: AbortSignal;
}

/** A worker for specs: the real bus and the real lease keeper, but what it does with a job the spec says. */
export class ScriptedWorker {
  readonly jobs: Job[] = [];
  private readonly held = new Map<string, HeldLease>();
  private readonly stopping = new AbortController();

  private constructor(
    readonly name: string,
    readonly bus: Bus,
    readonly client: DeciderClient,
    private readonly locator: DeciderLocator,
    private readonly server: JetStreamJobServer,
    private readonly keeper: LeaseKeeper,
  ) {}

  static async start(o: {
    name: string;
    natsUrl: string;
    namespace: string;
    slots: number;
    /** false: every ack is lost on the wire. */
    acks?: boolean;
    /** Jobs that this worker cannot make sense of: terminated without a claim, as the job server does. */
    unreadable?: (job: Job) => boolean;
    work: (at: WorkAtHand) => Promise<void>;
  }): Promise<ScriptedWorker> {
    const bus = await connectBus({ url: o.natsUrl, namespace: o.namespace, name: o.name, log: silentLogger });
    const locator = new DeciderLocator({ bus }).start();
    const client = new DeciderClient({ bus, locator });
    const { slots } = o;
    const server = new JetStreamJobServer({ bus, locator, pools: ['default'], slots });
    const keeper = new LeaseKeeper({
      client,
      locator,
      log: silentLogger,
      worker: o.name,
      pools: ['default'],
      slots,
      draining: () => server.draining,
    }).start();
    const worker = new ScriptedWorker(o.name, bus, client, locator, server, keeper);
    server.addHandler(
      JOB_PATTERN,
      async (job: Job, context: JobContext) => {
        worker.jobs.push(job);
        if (o.unreadable?.(job)) return context.terminate('unreadable');
        const { planId, ordinal, epoch } = job;
        const lease = { planId, ordinal, epoch, worker: o.name, token: randomBytes(16).toString('hex') };
        const held = keeper.hold(lease, context);
        worker.held.set(lease.token, held);
        try {
          const { claimed, signal: lost } = held;
          await o.work({ job, lease, client, claimed, lost, signal: worker.stopping.signal });
          if (o.acks ?? true) context.ack();
        } finally {
          held.release();
        }
      },
      true,
    );
    server.listen(() => undefined);
    return worker;
  }

  /** No heartbeats any more, as after SIGSTOP; the handlers go on. */
  fallSilent(): void {
    this.keeper.stop();
  }

  /** Keeps one lease out of the heartbeats, as if its process had died. */
  forget(lease: LeaseKey): void {
    this.held.get(lease.token)?.release();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.keeper.stop();
    await this.server.close();
    this.locator.stop();
    await this.bus.close();
  }
}

export async function passAtOnce({ lease, client }: WorkAtHand): Promise<void> {
  const result = { status: 'passed' as const, commit: null, outputs: {}, resolved: null, candidate: null };
  await client.request('result', { lease, result, traceparent: null }, AbortSignal.timeout(30_000));
}
