import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FileArtifactStore } from '#artifacts';
import {
  Announcer,
  connectBus,
  DeciderServer,
  JobQueue,
  signalWorker,
  type Bus,
  type ServedTerm,
} from '#bus';
import type {
  AttemptMessage,
  ClaimMessage,
  DeciderReply,
  Job,
  JobWork,
  LoopJob,
  ReleaseMessage,
  ResultMessage,
} from '#contracts';
import { detectSandbox, Sandbox, type SandboxKind } from '#sandbox';
import { createLogger, silentLogger } from '#telemetry';
import { eventually, freshNamespace, gitRepo, tempDir, testServers, type GitRepo } from '#testing';
import { Mirrors } from '#workspace';
import { BaselineCache } from '../../apps/worker/src/baselines/baseline-cache.ts';
import { WorkerHome } from '../../apps/worker/src/homes/worker-home.ts';
import { performOnHost } from '../../apps/worker/src/jobs/performing.ts';
import { Worker } from '../../apps/worker/src/worker.ts';
import { WorkerModule } from '../../apps/worker/src/worker.module.ts';

export interface FleetOptions {
  files?: Record<string, string>;
  slots?: number;
  drainGraceMs?: number;
  leaseMs?: number;
  /** Default: the best that works here. */
  sandbox?: SandboxKind;
  /** Folders that every program may write, whatever its lease: how a test knows what was run. */
  writable?: string[];
  caps?: Partial<{ outputBytes: number; memoryBytes: number; diskBytes: number; processes: number }>;
}

const MB = 1024 ** 2;
const log = process.env['WORKER_LOG']
  ? createLogger({ name: 'worker', level: 'debug', pretty: true })
  : silentLogger;

/**
 * A real worker on real NATS, git and sandbox, and a decider that says yes: it counts attempts as the real one does
 * and keeps every message for the test to look at.
 */
export class AFleet {
  readonly claims: ClaimMessage[] = [];
  readonly attempts: AttemptMessage[] = [];
  readonly results: ResultMessage[] = [];
  readonly releases: ReleaseMessage[] = [];
  /** Overrides an answer; undefined: the usual one. */
  answer: (verb: string, message: unknown) => DeciderReply | undefined | Promise<DeciderReply | undefined> =
    () => undefined;
  /** Named as lost in the next heartbeats, by ordinal. */
  readonly lost = new Set<number>();
  /** A heartbeat has said that the worker drains. */
  drainingHeard = false;
  nextOrdinal = 1;
  readonly planId = `plan${Math.random().toString(36).slice(2, 12).padEnd(10, '0')}`;
  worker!: Worker;
  /** What this machine lets the worker's sandbox be. */
  sandboxKind!: SandboxKind;
  home!: WorkerHome;
  mirrors!: Mirrors;
  artifacts!: FileArtifactStore;
  workDir!: string;
  repo!: GitRepo;
  baseSha!: string;
  #app!: INestMicroservice;
  #decider!: Bus;
  #workerBus!: Bus;
  #queue!: JobQueue;
  #announcer!: Announcer;
  #served!: ServedTerm;

  private constructor(private readonly o: FleetOptions) {}

  static async start(o: FleetOptions = {}): Promise<AFleet> {
    const fleet = new AFleet(o);
    fleet.repo = await gitRepo(o.files ?? { 'README.md': '# Example\n', 'src/a.js': 'old\n' });
    fleet.baseSha = (await fleet.repo.head())!;
    await fleet.#startDecider();
    await fleet.#startWorker();
    return fleet;
  }

  job(work: JobWork, o: Partial<Job> = {}): Job {
    return {
      version: 1,
      planId: this.planId,
      planName: 'a plan',
      ordinal: this.nextOrdinal++,
      epoch: 1,
      pool: 'default',
      stepName: 'a step',
      repo: { url: this.repo.bare, base: 'main' },
      baseSha: this.baseSha,
      sandbox: 'auto',
      trusted: true,
      work,
      traceparent: null,
      ...o,
    };
  }

  async publish(job: Job): Promise<Job> {
    const published = await this.#queue.publish(job);
    if (published.status !== 'published') throw new Error(`not published: ${published.status}`);
    return job;
  }

  /** Publishes the job and waits for its last message. */
  async run(work: JobWork, o: Partial<Job> = {}): Promise<Job> {
    const job = await this.publish(this.job(work, o));
    await this.ended(job);
    return job;
  }

  async ended(job: Job, timeoutMs = 60_000): Promise<void> {
    const its = (message: { lease: { ordinal: number; epoch: number } }) =>
      message.lease.ordinal === job.ordinal && message.lease.epoch === job.epoch;
    await eventually(
      () =>
        this.results.some(its) ||
        this.releases.some(its) ||
        this.attempts.some((message) => its(message) && this.#isLast(message, job)),
      { timeoutMs, what: `the end of ${job.stepName}` },
    );
    await this.idle();
  }

  #isLast(message: AttemptMessage, job: Job): boolean {
    const attempts = 'attempts' in job.work ? job.work.attempts : 1;
    return message.verdict === 'accepted' || message.attempt >= attempts;
  }

  attemptsOf(job: Job): AttemptMessage[] {
    return this.attempts.filter((message) => message.lease.ordinal === job.ordinal);
  }

  resultOf(job: Job): ResultMessage['result'] {
    const found = this.results.find((message) => message.lease.ordinal === job.ordinal);
    if (!found) throw new Error(`no result of s${job.ordinal}`);
    return found.result;
  }

  releaseOf(job: Job): ReleaseMessage | undefined {
    return this.releases.find((message) => message.lease.ordinal === job.ordinal);
  }

  /** What the decider sends when a plan is cancelled. */
  signalAbort({ planId, ordinal, epoch }: Job): void {
    signalWorker(this.#decider, 'w1', {
      kind: 'abort',
      planId,
      ordinal,
      epoch,
      reason: 'the plan was cancelled',
    });
  }

  /** No handler runs and the queue is empty. */
  async idle(): Promise<void> {
    await eventually(() => this.worker.transport.busy === 0, { timeoutMs: 20_000, what: 'an idle worker' });
  }

  /** What leases have left on this worker's disk. */
  async leftovers(): Promise<string[]> {
    const leases = await readdir(this.home.leasesDir);
    const runs = await readdir(this.home.runsDir);
    const mirrors = join(WorkerHome.mirrorsDir(this.workDir), 'mirrors');
    const worktrees: string[] = [];
    for (const mirror of await readdir(mirrors).catch(() => [])) {
      worktrees.push(...(await readdir(join(mirrors, mirror, 'worktrees')).catch(() => [])));
    }
    return [...leases, ...runs, ...worktrees];
  }

  async log(key: string | null): Promise<string> {
    return key === null ? '' : ((await this.artifacts.get(key, 10 * MB))?.toString('utf8') ?? '');
  }

  async queueIsEmpty(): Promise<void> {
    await eventually(async () => {
      const state = await this.#queue.deliveryState('default');
      return state !== null && state.queued === 0 && state.inFlight === 0;
    });
  }

  async stop(): Promise<void> {
    await this.worker.close();
    await this.#app.close();
    this.#announcer.stop();
    await this.#served.stop();
    await this.#workerBus.close();
    for await (const stream of this.#decider.jsm.streams.list()) {
      if (stream.config.subjects?.some((subject) => subject.startsWith(`${this.#decider.namespace}.`)))
        await this.#decider.jsm.streams.delete(stream.config.name);
    }
    await this.#decider.close();
    await this.mirrors.close();
    await this.home[Symbol.asyncDispose]();
  }

  async #startDecider(): Promise<void> {
    const { leaseMs = 10_000 } = this.o;
    const namespace = freshNamespace();
    this.#decider = await connectBus({ url: testServers().natsUrl, namespace, name: 'decider', log });
    this.#queue = new JobQueue({ bus: this.#decider, leaseMs });
    const { generation } = await this.#queue.ensure(['default']);
    this.#announcer = new Announcer({
      bus: this.#decider,
      announcement: () => ({ term: 1, decider: 'd1', generation, pools: ['default'], leaseMs }),
    }).start();
    const noted =
      <M>(verb: string, list: M[], usual: (message: M) => DeciderReply) =>
      async (message: M): Promise<DeciderReply> => {
        const reply = (await this.answer(verb, message)) ?? usual(message);
        list.push(message);
        return reply;
      };
    const stop = (): DeciderReply => ({ status: 'applied', next: 'stop' });
    this.#served = new DeciderServer({ bus: this.#decider }).serve(1, {
      claim: noted('claim', this.claims, () => ({ status: 'applied', next: 'continue' })),
      attempt: noted('attempt', this.attempts, (message) => ({
        status: 'applied',
        next:
          message.verdict === 'accepted' || message.attempt >= this.attemptsMax(message)
            ? 'stop'
            : 'continue',
      })),
      result: noted('result', this.results, stop),
      release: noted('release', this.releases, stop),
      heartbeat: (message) => {
        this.drainingHeard ||= message.draining;
        const lost = message.leases
          .filter((lease) => this.lost.has(lease.ordinal))
          .map(({ planId, ordinal, epoch }) => ({ planId, ordinal, epoch, reason: 'the test says so' }));
        return { term: 1, leaseMs, lost };
      },
      command: () => null,
    });
  }

  /** Attempts that a step has; 3 unless the test sets it. */
  attemptsMax: (message: AttemptMessage) => number = () => 3;

  async #startWorker(): Promise<void> {
    this.workDir = await tempDir('work');
    const worker = 'w1';
    const path = process.env['PATH'] ?? '';
    this.home = await WorkerHome.open(this.workDir, worker, log);
    this.mirrors = new Mirrors({
      rootDir: WorkerHome.mirrorsDir(this.workDir),
      credentials: null,
      path,
      log,
    });
    await this.home.sweep(this.mirrors);
    this.artifacts = new FileArtifactStore({ rootDir: await tempDir('artifacts') });
    const { kind } = this.o.sandbox ? { kind: this.o.sandbox } : await detectSandbox({ path, log });
    this.sandboxKind = kind;
    this.#workerBus = await connectBus({
      url: testServers().natsUrl,
      namespace: this.#decider.namespace,
      name: worker,
      log,
      inboxPrefix: `_INBOX_${worker}`,
    });
    this.worker = new Worker({
      worker,
      pools: ['default'],
      slots: this.o.slots ?? 2,
      drainGraceMs: this.o.drainGraceMs ?? 5_000,
      bus: this.#workerBus,
      perform: performOnHost({
        leasesDir: this.home.leasesDir,
        tools: {
          mirrors: this.mirrors,
          sandbox: new Sandbox({
            kind,
            log,
            readable: [],
            extraWritable: this.o.writable ?? [],
            path,
            scratchRoot: this.home.runsDir,
            graceMs: 500,
          }),
          sandboxMode: 'auto',
          caps: {
            outputBytes: 16 * MB,
            memoryBytes: 1024 * MB,
            diskBytes: 256 * MB,
            processes: 128,
            ...this.o.caps,
          },
          artifacts: this.artifacts,
          baselines: new BaselineCache({ dir: WorkerHome.baselinesDir(this.workDir), log }),
        },
      }),
      log,
    });
    this.#app = await NestFactory.createMicroservice(WorkerModule.with(this.worker.runner), {
      strategy: this.worker.transport,
      logger: false,
    });
    this.worker.start();
    await this.#app.listen();
  }
}

/** A `run` step; everything else as a plan's defaults would have it. */
export function runs(commands: string[], o: Partial<LoopJob> = {}): LoopJob {
  return aLoop({ kind: 'run', task: { kind: 'run', commands, script: null }, ...o });
}

/** A `run` step that is a script. */
export function script(text: string, args: string[] = [], o: Partial<LoopJob> = {}): LoopJob {
  return aLoop({ kind: 'run', task: { kind: 'run', commands: [], script: { text, args } }, ...o });
}

/** An `agent` step whose agent is a shell command. */
export function agent(command: string, o: Partial<LoopJob> = {}): LoopJob {
  const task = { kind: 'agent', adapter: 'command', command, prompt: 'Please do it.' } as const;
  return aLoop({ kind: 'agent', task, ...o });
}

function aLoop(o: Partial<LoopJob> & Pick<LoopJob, 'kind' | 'task'>): LoopJob {
  return {
    attempt: 1,
    attempts: 3,
    inputs: [],
    previous: null,
    matrix: null,
    values: {},
    inputOutputs: {},
    timeout: { attemptMs: 30_000, idleMs: 20_000 },
    paths: { write: null, protect: [] },
    setup: [],
    verify: [],
    env: {},
    network: false,
    outputs: [],
    ...o,
  };
}

/** Whether a process of this machine has the text in its arguments or environment's command line. */
export function isRunning(mark: string): boolean {
  const listed = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  return listed.split('\n').some((line) => line.includes(mark));
}
