import { LeaseLostError, type LeaseKeeper } from '#bus';
import type { DeciderReply, Job, JobWork, LeaseKey } from '#contracts';
import { silentLogger } from '#telemetry';
import { tempDir } from '#testing';
import type { StepTools } from '../steps/step-context.ts';
import { JobRunner } from './job-runner.ts';
import { performOnHost } from './performing.ts';

type Sent = {
  verb: string;
  body: { lease: LeaseKey; cause?: string; reason?: { code: string }; result?: object };
};

describe('a job on its way to its answer', () => {
  let sent: Sent[];
  let acked: number;
  let held: Map<string, AbortController>;
  let holds: number;
  let answer: (verb: string) => DeciderReply;
  let open: (url: string) => Promise<never>;
  let runner: JobRunner;

  beforeEach(async () => {
    sent = [];
    acked = 0;
    holds = 0;
    held = new Map();
    answer = () => ({ status: 'applied', next: 'stop' });
    open = () =>
      Promise.reject(Object.assign(new Error('no answer'), { code: 'GIT_UNREACHABLE', retry: 'later' }));
    runner = new JobRunner({
      worker: 'w1',
      perform: performOnHost({
        leasesDir: await tempDir('leases'),
        tools: { mirrors: { open: (url: string) => open(url) } } as unknown as StepTools,
      }),
      client: { request: request },
      keeper: { hold },
      log: silentLogger,
      releaseMs: 200,
    });
  });

  async function request(verb: string, body: Sent['body'], signal: AbortSignal): Promise<DeciderReply> {
    signal.throwIfAborted();
    sent.push({ verb, body });
    return answer(verb);
  }

  function hold(key: LeaseKey): ReturnType<LeaseKeeper['hold']> {
    const lost = new AbortController();
    holds += 1;
    held.set(key.token, lost);
    return {
      key,
      signal: lost.signal,
      claimed: Promise.resolve(true),
      release: () => void held.delete(key.token),
    };
  }

  const delivery = {
    ack: () => (acked += 1),
    working: () => undefined,
    signal: new AbortController().signal,
  };

  function job(work: JobWork): Job {
    return {
      version: 1,
      planId: 'plan0001',
      planName: 'a plan',
      ordinal: 7,
      epoch: 2,
      pool: 'default',
      stepName: 'a step',
      repo: { url: '/repo', base: 'main' },
      baseSha: 'a'.repeat(40),
      sandbox: 'auto',
      trusted: true,
      work,
      traceparent: null,
    };
  }
  const clean: JobWork = { kind: 'clean', keep: [] };

  it('a noop: one message, no claim, then the ack', async () => {
    await runner.run(job({ kind: 'noop' }), delivery);
    expect(sent).toMatchObject([{ verb: 'result', body: { result: { status: 'passed' } } }]);
    expect(sent[0]!.body.lease).toMatchObject({ ordinal: 7, epoch: 2, worker: 'w1' });
    expect(sent[0]!.body.lease.token).toMatch(/^[0-9a-f]{32}$/);
    expect(acked).toBe(1);
  });

  it('two leases never share a token', async () => {
    await runner.run(job({ kind: 'noop' }), delivery);
    await runner.run(job({ kind: 'noop' }), delivery);
    expect(sent[0]!.body.lease.token).not.toBe(sent[1]!.body.lease.token);
  });

  it('an unreachable remote is handed back as a fault, and acked', async () => {
    await runner.run(job(clean), delivery);
    expect(sent).toMatchObject([
      { verb: 'release', body: { cause: 'fault', reason: { code: 'git-unreachable' } } },
    ]);
    expect(acked).toBe(1);
    expect(held.size).toBe(0);
  });

  it('a lease lost in mid-work is neither reported nor acked', async () => {
    open = () => {
      for (const lost of held.values()) {
        lost.abort(new LeaseLostError({ planId: 'plan0001', ordinal: 7, epoch: 2 }, 'told', 'cancelled'));
      }
      return new Promise<never>(() => undefined);
    };
    await runner.run(job(clean), delivery);
    expect(sent).toEqual([]);
    expect(acked).toBe(0);
  });

  it('an answer of lost ends it there', async () => {
    answer = () => ({ status: 'lost', reason: 'epoch 3 is current' });
    await runner.run(job({ kind: 'noop' }), delivery);
    expect(sent).toHaveLength(1);
    expect(acked).toBe(0);
  });

  it('a refused result is handed back, and a refused hand-back is left to the lease’s end', async () => {
    answer = (verb) =>
      verb === 'result' ? { status: 'refused', reason: 'no' } : { status: 'applied', next: 'stop' };
    await runner.run(job({ kind: 'noop' }), delivery);
    expect(sent.map(({ verb }) => verb)).toEqual(['result', 'release']);
    expect(acked).toBe(1);
    answer = () => ({ status: 'refused', reason: 'no' });
    await runner.run(job({ kind: 'noop' }), delivery);
    expect(acked).toBe(1);
  });

  it('when the grace period is over, a hung remote and a job just arrived are handed back alike', async () => {
    open = () => new Promise<never>(() => undefined);
    const running = runner.run(job(clean), delivery);
    await new Promise((resolve) => setImmediate(resolve));
    runner.handBackAll();
    await running;
    await runner.run(job({ kind: 'noop' }), delivery);
    expect(sent.map(({ verb, body }) => [verb, body.cause])).toEqual([
      ['release', 'draining'],
      ['release', 'draining'],
    ]);
    expect(acked).toBe(2);
  });

  it.each<[string, object]>([
    ['"dance"', { kind: 'dance' }],
    ['"toString"', { kind: 'toString' }],
    ['"sing"', { kind: 'run', task: { kind: 'sing' } }],
    ['"codemod/comby"', { kind: 'codemod', task: { kind: 'codemod', engine: 'comby' } }],
    ['"agent/acp"', { kind: 'agent', task: { kind: 'agent', adapter: 'acp' } }],
  ])(
    'work that it does not know (%s) is handed back without a claim: another may be newer',
    async (name, work) => {
      await runner.run(job(work as never), delivery);
      expect(sent).toMatchObject([
        { verb: 'release', body: { cause: 'fault', reason: { code: 'unknown-work' } } },
      ]);
      expect(sent[0]!.body.reason).toMatchObject({ message: expect.stringContaining(name) });
      expect(holds).toBe(0);
      expect(acked).toBe(1);
    },
  );
});
