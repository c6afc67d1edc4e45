import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadSettings, type Settings } from '#config';
import type { PlanDefinition, StepDefinition } from '#domain';
import { silentLogger } from '#telemetry';
import {
  aPlan,
  aStep,
  eventually,
  freshDatabase,
  freshNamespace,
  tempDir,
  testServers,
  type FreshDatabase,
} from '#testing';
import { planIdFor } from '../commands/plan-commands.ts';
import { Coordinator } from '../coordinator.ts';
import { startRestApi } from '../rest-api.ts';
import type { RedriveAnswer } from './describing/operator-answers.ts';
import { ScriptedWorker, passAtOnce, type WorkAtHand } from '../testing/scripted-worker.ts';

const RUN = { kind: 'run' as const, commands: ['true'], script: null };

describe('what an operator does to a plan', () => {
  let database: FreshDatabase;
  let settings: Settings;
  let coordinator: Coordinator;
  let app: NestFastifyApplication;
  let worker: ScriptedWorker;
  let url: string;
  let number = 0;
  /** By name of the step; whatever is not here passes at once. */
  const behaviours = new Map<string, (at: WorkAtHand) => Promise<void>>();

  beforeAll(async () => {
    database = await freshDatabase();
    const home = await tempDir('operator');
    const { natsUrl } = testServers();
    const namespace = freshNamespace();
    settings = loadSettings({
      DATABASE_URL: database.adminUrl,
      NATS_URL: natsUrl,
      SKEIN_NAMESPACE: namespace,
      SKEIN_ARTIFACTS_DIR: home,
      SKEIN_LEASE_MS: '1500ms',
      SKEIN_DECIDER_TTL_MS: '1s',
      SKEIN_TENANT_OPEN_STEPS: '40',
      SKEIN_PORT: '0',
      HOME: home,
    });
    worker = await ScriptedWorker.start({ name: 'w1', natsUrl, namespace, slots: 16, work: workOn });
    await open();
  }, 60_000);

  afterAll(async () => {
    await close();
    await worker?.stop();
    await database?.drop();
  });

  beforeEach(() => behaviours.clear());

  async function open(): Promise<void> {
    coordinator = await Coordinator.start(settings, silentLogger);
    app = await startRestApi(settings, coordinator, silentLogger);
    url = await app.getUrl();
    await eventually(async () => (await coordinator.readiness.missing()).length === 0, {
      what: 'somebody to decide',
    });
  }

  async function close(): Promise<void> {
    await app?.close();
    await coordinator?.stop();
  }

  async function workOn(at: WorkAtHand): Promise<void> {
    await (behaviours.get(at.job.stepName) ?? passAtOnce)(at);
  }

  async function hold({ lease, client, lost, signal }: WorkAtHand): Promise<void> {
    await client.request('claim', { lease }, AbortSignal.timeout(10_000));
    await new Promise<void>((resolve) => {
      for (const end of [lost, signal]) end.addEventListener('abort', () => resolve());
    });
  }

  /** As if its worker died of it. */
  async function die(at: WorkAtHand): Promise<void> {
    await at.client.request('claim', { lease: at.lease }, AbortSignal.timeout(10_000));
    worker.forget(at.lease);
  }

  /** Attempts until there are no more. */
  async function fail({ job, lease, client }: WorkAtHand): Promise<void> {
    const { work } = job;
    if (!('attempts' in work)) throw new Error(`${job.stepName} has no attempts`);
    for (let attempt = work.attempt; attempt <= work.attempts; attempt++) {
      const none = { commit: null, diffstat: null, logKey: null, diffKey: null, traceparent: null };
      const time = { startedAt: '2026-11-20T12:00:00.000Z', durationMs: 1 };
      const verdict = { verdict: 'rejected' as const, reason: { code: 'no', message: 'no' }, feedback: 'no' };
      const message = { lease, attempt, ...time, ...verdict, ...none, outputs: {} };
      await client.request('attempt', message, AbortSignal.timeout(10_000));
    }
  }

  async function submit(
    steps: Partial<StepDefinition>[],
    rest: Partial<PlanDefinition> = {},
  ): Promise<string> {
    const key = `plan ${(number += 1)}`;
    const planId = planIdFor('local', key);
    const submission = {
      tenant: 'local',
      definition: aPlan({ name: key, steps: steps.map(aStep), ...rest }),
      digest: key,
      idempotencyKey: key,
      by: { name: 'spec', via: 'rest' },
      traceparent: null,
    };
    await eventually(
      async () => {
        const reply = await coordinator.commands.execute({ kind: 'submit', planId, submission }, null);
        return reply.status === 'decided';
      },
      { what: 'the submission to be decided' },
    );
    return planId;
  }

  interface Answer {
    status: number;
    headers: Headers;
    body: Record<string, unknown>;
  }

  async function post(path: string, body: object = {}, headers: object = {}): Promise<Answer> {
    const response = await fetch(new URL(`/v1/plans/${path}`, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-skein-actor': 'ann', ...headers },
      body: JSON.stringify(body),
    });
    const { status } = response;
    return { status, headers: response.headers, body: (await response.json()) as Answer['body'] };
  }

  const events = async (planId: string) => (await coordinator.reader.ledger(planId, 0, 1_000)).events;
  const stateOf = async (planId: string, step: string) => (await coordinator.reader.step(planId, step)).state;
  const steps = (planId: string, step: string, state: string) =>
    eventually(async () => (await stateOf(planId, step)) === state, {
      what: `${step} to be ${state}`,
      timeoutMs: 30_000,
    });
  const closed = (planId: string) =>
    eventually(async () => (await coordinator.reader.plan(planId)).closed, {
      what: 'the plan to close',
      timeoutMs: 30_000,
    });

  /** `bad` is blocked after two attempts, `after` needs it. */
  async function halted(): Promise<string> {
    behaviours.set('bad', fail);
    const planId = await submit([
      { name: 'bad', attempts: 2, work: RUN },
      { name: 'after', needs: ['bad'] },
    ]);
    await closed(planId);
    return planId;
  }

  async function letters(query: string): Promise<unknown[]> {
    const response = await fetch(new URL(`/v1/dead-letters?${query}`, url));
    return ((await response.json()) as { deadLetters: unknown[] }).deadLetters;
  }

  async function redrive(body: object): Promise<{ status: number; body: RedriveAnswer }> {
    const response = await fetch(new URL('/v1/dead-letters/redrive', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-skein-actor': 'ann' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as RedriveAnswer };
  }

  const namesOf = ({ redriven }: RedriveAnswer) => redriven.map(({ name }) => name);

  it('pauses a plan, once, and lets it go on', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    behaviours.set('first', async (at) => {
      await at.client.request('claim', { lease: at.lease }, AbortSignal.timeout(10_000));
      await released;
      await passAtOnce(at);
    });
    const planId = await submit([{ name: 'first' }, { name: 'second', needs: ['first'] }]);
    await steps(planId, 'first', 'running');
    const paused = await post(`${planId}/pause`, { why: 'lunch' });
    expect([paused.status, paused.body['reason']]).toEqual([
      200,
      { code: 'plan-paused', message: 'paused by ann: lunch' },
    ]);
    expect((await post(`${planId}/pause`, { why: 'again' })).status).toBe(200);
    release();
    await steps(planId, 'first', 'passed');
    const explained = await coordinator.reader.steps(planId);
    expect(explained.steps.find(({ name }) => name === 'second')?.wait).toBe(
      'the plan was paused by ann: lunch',
    );
    const resumed = await post(`${planId}/resume`);
    expect(resumed.body['reason']).not.toEqual(paused.body['reason']);
    await closed(planId);
    const said = (await events(planId)).filter(({ type }) => /plan.(paused|resumed)/.test(type));
    expect(said.map(({ type, data }) => [type, data])).toEqual([
      ['plan.paused', { by: { name: 'ann', via: 'rest' }, why: 'lunch' }],
      ['plan.resumed', { by: { name: 'ann', via: 'rest' }, why: null }],
    ]);
  }, 60_000);

  it('retries a blocked step with more attempts and a note: the halted plan goes on and completes', async () => {
    const planId = await halted();
    let told: string | undefined;
    behaviours.set('bad', async (at) => {
      if ('previous' in at.job.work) told = at.job.work.previous?.feedback;
      await passAtOnce(at);
    });
    const answer = await post(`${planId}/steps/bad/retry`, { attempts: 3, note: 'use tabs', why: 'typo' });
    expect([answer.status, answer.body['status'], answer.body['endedAt'], answer.body['reason']]).toEqual([
      200,
      'running',
      null,
      null,
    ]);
    await closed(planId);
    expect((await coordinator.reader.plan(planId)).status).toBe('completed');
    expect(told).toBe('no\n\nuse tabs');
    const reopened = (await events(planId)).filter(({ type }) => type.endsWith('reopened'));
    const by = { name: 'ann', via: 'rest' };
    expect(reopened.map(({ type, data }) => [type, data])).toEqual([
      ['plan.reopened', { by, why: 'typo' }],
      ['step.reopened', { ordinal: 0, by, why: 'typo', attempts: 5, note: 'use tabs' }],
    ]);
  }, 60_000);

  it('goes on with a reopened plan after a restart of the coordinator', async () => {
    const planId = await halted();
    behaviours.set('bad', hold);
    expect((await post(`${planId}/steps/s0/retry`)).status).toBe(200);
    await steps(planId, 'bad', 'running');
    const step = await coordinator.reader.step(planId, 'bad');
    expect(step).toMatchObject({ endedAt: null });
    await close();
    await open();
    behaviours.set('bad', passAtOnce);
    expect((await post(`${planId}/steps/bad/kill`)).status).toBe(200);
    await closed(planId);
    expect((await coordinator.reader.plan(planId)).status).toBe('completed');
  }, 60_000);

  it('goes on without a step that is skipped, also when it runs, and also when its plan has halted', async () => {
    const planId = await halted();
    const skipped = await post(`${planId}/steps/bad/skip`, { why: 'by hand' });
    expect(skipped.status).toBe(200);
    expect((await post(`${planId}/steps/bad/skip`)).status).toBe(200);
    await closed(planId);
    expect((await coordinator.reader.plan(planId)).status).toBe('completed');
    behaviours.set('long', hold);
    const other = await submit([{ name: 'long' }, { name: 'last', needs: ['long'] }]);
    await steps(other, 'long', 'running');
    await post(`${other}/steps/long/skip`);
    await closed(other);
    const skips = (await events(planId)).filter(({ type }) => type === 'step.skipped');
    expect(skips.map(({ data }) => data)).toEqual([
      {
        ordinal: 0,
        epoch: 1,
        reason: { code: 'skipped-by-operator', message: 'skipped by ann: by hand' },
        by: { name: 'ann', via: 'rest' },
        why: 'by hand',
      },
    ]);
  }, 60_000);

  it('kills a lease: the step is tried again, and the loss does not count', async () => {
    behaviours.set('long', hold);
    const planId = await submit([{ name: 'long' }], { maxLeases: 1 });
    await steps(planId, 'long', 'running');
    behaviours.delete('long');
    expect((await post(`${planId}/steps/long/kill`, { why: 'hangs' })).status).toBe(200);
    await closed(planId);
    expect(await coordinator.reader.step(planId, 'long')).toMatchObject({ epoch: 2, leasesLost: 0 });
    const lost = (await events(planId)).find(({ type }) => type === 'lease.lost');
    expect(lost?.data['reason']).toEqual({ code: 'killed-by-operator', message: 'killed by ann: hangs' });
    expect(lost?.data).toMatchObject({ by: { name: 'ann', via: 'rest' }, why: 'hangs' });
  }, 60_000);

  it('redrives a dead letter, and nothing else', async () => {
    behaviours.set('pill', die);
    const planId = await submit([{ name: 'pill' }, { name: 'after', needs: ['pill'] }], { maxLeases: 1 });
    await closed(planId);
    const letter = {
      planId,
      planStatus: 'halted',
      tenant: 'local',
      ordinal: 's0',
      name: 'pill',
      kind: 'noop',
      reason: { code: 'leases-used-up' },
      epoch: 1,
      leasesLost: 1,
    };
    expect(await letters(`plan=${planId}`)).toMatchObject([letter]);
    expect(await letters('reason=leases-used-up&tenant=local')).toMatchObject([letter]);
    expect(await letters('reason=leases')).toEqual([]);
    behaviours.delete('pill');
    expect((await post(`${planId}/steps/pill/redrive`, { why: 'fixed' })).status).toBe(200);
    await closed(planId);
    expect((await coordinator.reader.plan(planId)).status).toBe('completed');
    expect(await letters(`plan=${planId}`)).toEqual([]);
    const blocked = await post(`${await halted()}/steps/bad/redrive`);
    expect([blocked.status, blocked.body['code']]).toEqual([409, 'step-not-poisoned']);
  }, 60_000);

  it('redrives many at a rate that is in the ledger, that a repeated request keeps, and that outlives the decider', async () => {
    const names = ['a', 'b', 'c'].map((value) => `rated[${value}]`);
    for (const step of names) behaviours.set(step, die);
    const matrix = { kind: 'list' as const, values: ['a', 'b', 'c'] };
    const planId = await submit([{ name: 'rated', matrix }], { maxLeases: 1 });
    await closed(planId);
    behaviours.clear();
    const filter = { plan: planId };
    const first = await redrive({ filter, ratePerMinute: 30, limit: 2, why: 'fixed' });
    expect(first.body).toMatchObject({ more: true, stopped: null, passedOver: [], refused: [] });
    expect(namesOf(first.body)).toEqual(names.slice(0, 2));
    const explained = await coordinator.reader.explain(planId, 's1');
    expect([explained.state, explained.reason]).toEqual([
      'waiting',
      { code: 'redriven-later', message: 'redriven by ann: fixed' },
    ]);
    expect(explained.wait).toContain('(redriven by ann: fixed)');
    expect(explained.notBefore).not.toBeNull();
    const second = await redrive({ filter, ratePerMinute: 30, cursor: first.body.nextCursor });
    expect(namesOf(second.body)).toEqual(names.slice(2));
    const times = [...first.body.redriven, ...second.body.redriven].map((one) => Date.parse(one.notBefore!));
    expect([times[1]! - times[0]!, times[2]! - times[1]!]).toEqual([2_000, 2_000]);
    await close();
    await open();
    await closed(planId);
    expect((await coordinator.reader.plan(planId)).status).toBe('completed');
    const recorded = await events(planId);
    const begun = recorded.filter(({ type }) => type === 'step.admitted').slice(-3);
    begun.forEach(({ at }, index) => expect(Date.parse(at)).toBeGreaterThanOrEqual(times[index]!));
    expect((await redrive({ filter })).body).toMatchObject({ redriven: [], refused: [], more: false });
  }, 60_000);

  it('redrives all of a filter at once without a rate, tells of those that are refused, and takes no forgotten filter for all', async () => {
    behaviours.set('pill', die);
    const good = await submit([{ name: 'pill' }], { maxLeases: 1, name: 'lost-good' });
    const ended = await submit([{ name: 'pill' }, { name: 'long' }], { maxLeases: 1, name: 'lost-ended' });
    await Promise.all([closed(good), closed(ended)]);
    const other = await submit([{ name: 'pill' }, { name: 'held' }], { maxLeases: 1, name: 'lost-too' });
    behaviours.set('held', hold);
    await closed(good);
    await steps(other, 'pill', 'poisoned');
    expect((await post(`${other}/cancel`)).status).toBe(200);
    behaviours.clear();
    const { status, body } = await redrive({ filter: { name: 'lost-' } });
    expect(status).toBe(200);
    expect(body.redriven.map((one) => [one.planId, one.notBefore]).sort()).toEqual(
      [
        [good, null],
        [ended, null],
      ].sort(),
    );
    expect(body.refused).toMatchObject([{ planId: other, reason: { code: 'plan-ended' } }]);
    await Promise.all([closed(good), closed(ended)]);
    const many = [
      {},
      { filter: {} },
      { filter: { plan: good }, all: true },
      { all: false },
      { filter: { colour: 'red' } },
    ];
    for (const wrong of [...many, { all: true, ratePerMinute: 0 }, { all: true, limit: 501 }])
      expect([wrong, (await redrive(wrong)).status]).toEqual([wrong, 400]);
  }, 60_000);

  it('tells dead letters of the newest plan first, a page at a time', async () => {
    behaviours.set('pill', die);
    const pills = { name: 'pill', matrix: { kind: 'list' as const, values: ['a', 'b'] } };
    for (const step of ['pill[a]', 'pill[b]']) behaviours.set(step, die);
    const first = await submit([pills], { maxLeases: 1 });
    const second = await submit([{ name: 'pill' }], { maxLeases: 1 });
    await Promise.all([closed(first), closed(second)]);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const response = await fetch(
        new URL(`/v1/dead-letters?limit=1&name=plan${cursor && `&cursor=${cursor}`}`, url),
      );
      const page = (await response.json()) as {
        deadLetters: { planId: string; name: string }[];
        nextCursor: string | null;
      };
      seen.push(...page.deadLetters.map(({ planId, name }) => `${planId} ${name}`));
      cursor = page.nextCursor;
    }
    expect(seen.slice(0, 3)).toEqual([`${second} pill`, `${first} pill[a]`, `${first} pill[b]`]);
    for (const query of ['cursor=9999999999999999999-1', 'cursor=1', 'reason=%00', 'colour=red'])
      expect((await fetch(new URL(`/v1/dead-letters?${query}`, url))).status).toBe(400);
  }, 60_000);

  it('explains what a step waits for, and what it needs', async () => {
    const planId = await halted();
    const explained = async (step: string) =>
      (await (await fetch(new URL(`/v1/plans/${planId}/steps/${step}/explain`, url))).json()) as object;
    expect(await explained('after')).toMatchObject({
      ordinal: 's1',
      state: 'waiting',
      wait: null,
      planReason: { code: 'steps-failed' },
      needs: [{ name: 'bad', steps: 1, met: 0, failed: ['s0'] }],
    });
    behaviours.set('bad', hold);
    await post(`${planId}/steps/bad/retry`);
    expect(await explained('after')).toMatchObject({ wait: 'needs bad (0 of 1 done)', planReason: null });
    await post(`${planId}/cancel`);
  }, 60_000);

  it('forks a plan: what would be the same is taken over, what is different is done', async () => {
    behaviours.set('bad', fail);
    const planId = await submit([
      { name: 'good', work: RUN },
      { name: 'bad', needs: ['good'], work: RUN },
      { name: 'after', needs: ['bad'] },
    ]);
    await closed(planId);
    behaviours.clear();
    const done: string[] = [];
    for (const step of ['good', 'bad', 'after'])
      behaviours.set(step, async (at) => {
        done.push(step);
        await passAtOnce(at);
      });
    const text = 'version: 1\nname: again\nsteps: [{ name: good, noop: true }]\n';
    const same = await post(`${planId}/fork`, {}, { 'idempotency-key': `same ${planId}`.replace(' ', '-') });
    expect([same.status, same.body]).toEqual([
      201,
      expect.objectContaining({ origin: planId, takenOver: ['good'], created: true }),
    ]);
    await closed(same.body['planId'] as string);
    expect(done).toEqual(['bad', 'after']);
    const other = await post(`${same.body['planId'] as string}/fork`, { text, name: 'renamed' });
    expect([other.status, other.body['name']]).toEqual([201, 'renamed']);
    const again = await post(`${planId}/fork`, {}, { 'idempotency-key': `same-${planId}` });
    expect([again.status, again.body['planId'], again.body['created']]).toEqual([
      200,
      same.body['planId'],
      false,
    ]);
    const passed = (await events(same.body['planId'] as string)).filter(({ type }) => type === 'step.passed');
    expect(passed.map(({ data }) => data['takenFrom'])).toEqual([planId, undefined, undefined]);
    const [submitted] = await events(same.body['planId'] as string);
    expect(submitted?.data).toMatchObject({ by: { name: 'ann' }, forkedFrom: { planId } });
    const early = await post(`${planId}/fork`, { atSeq: 1 });
    expect([early.status, early.body['takenOver'], early.body['atSeq']]).toEqual([201, [], 1]);
    for (const [body, status, code] of [
      [{ atSeq: 999 }, 422, 'seq-unknown'],
      [{ atSeq: 0 }, 400, 'body-invalid'],
      [{ params: { a: 1 } }, 422, 'text-missing'],
      [{ text: 'steps: 7' }, 422, 'plan-invalid'],
      [{ name: '\u0007' }, 400, 'body-invalid'],
    ] as const) {
      const refused = await post(`${planId}/fork`, body);
      expect([body, refused.status, refused.body['code']]).toEqual([body, status, code]);
    }
    expect((await post('nosuchplan/fork')).status).toBe(404);
  }, 60_000);

  it('takes no plan over the quota of its tenant, and leaves no row of it', async () => {
    behaviours.set('long', hold);
    const matrix = { kind: 'list' as const, values: Array.from({ length: 30 }, (_, index) => `v${index}`) };
    const large = await submit([{ name: 'long' }, { name: 'wide', needs: ['long'], matrix }]);
    const offer = async (steps: number, key: string) => {
      const text = `{version: 1, name: offered, steps: [{name: s, matrix: ${JSON.stringify(Array.from({ length: steps }, (_, index) => `w${index}`))}, noop: true}]}`;
      const response = await fetch(new URL('/v1/plans', url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ text }),
      });
      const body = (await response.json()) as Record<string, unknown>;
      return { status: response.status, wait: response.headers.get('retry-after'), body };
    };
    const refused = await offer(20, 'quota');
    expect(refused).toMatchObject({ status: 429, wait: '30', body: { code: 'quota-used-up' } });
    expect(refused.body['detail']).toContain('tenant local has 31 open steps and may have 40');
    await expect(coordinator.reader.head(planIdFor('local', 'quota'))).rejects.toThrow('there is no plan');
    expect(await offer(41, 'never')).toMatchObject({ status: 422, body: { code: 'quota-too-small' } });
    const fitting = await offer(3, 'fits');
    expect(fitting.status).toBe(201);
    await closed(fitting.body['planId'] as string);
    // At once: they are decided in one turn, or in several.
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => offer(9, `race ${index}`.replace(' ', '-'))),
    );
    expect(answers.some(({ status }) => status === 201)).toBe(true);
    await post(`${large}/cancel`);
    expect((await offer(20, 'quota')).status).toBe(201);
    expect((await offer(20, 'quota')).status).toBe(200);
  }, 60_000);

  it('is refused with a reason where it makes no sense, and leaves no row', async () => {
    const ended = await submit([{ name: 'done' }]);
    await closed(ended);
    const planId = await halted();
    const seqs = async () => [
      (await coordinator.reader.head(ended)).seq,
      (await coordinator.reader.head(planId)).seq,
    ];
    const before = await seqs();
    for (const [path, status, code] of [
      [`${ended}/pause`, 409, 'plan-ended'],
      [`${ended}/resume`, 409, 'plan-ended'],
      [`${ended}/steps/done/retry`, 409, 'step-not-failed'],
      [`${ended}/steps/done/skip`, 409, 'step-ended'],
      [`${ended}/steps/done/kill`, 409, 'step-not-running'],
      [`${ended}/steps/s7/kill`, 404, 'step-unknown'],
      [`${planId}/steps/after/retry`, 409, 'step-open'],
      [`${planId}/steps/none/skip`, 404, 'step-unknown'],
      ['nosuchplan/pause', 404, 'plan-unknown'],
      ['nosuchplan/steps/s0/retry', 404, 'plan-unknown'],
    ] as const) {
      const answer = await post(path);
      expect([path, answer.status, answer.body['code']]).toEqual([path, status, code]);
      expect(answer.body['detail']).toMatch(/\w{3}/);
    }
    const stale = await post(`${planId}/steps/bad/retry`, {}, { 'if-match': '"1"' });
    expect([stale.status, stale.body['currentSeq']]).toEqual([412, before[1]]);
    for (const body of [{ attempts: 0 }, { attempts: 1.5 }, { note: '' }, { note: 7 }, { reason: 'x' }])
      expect((await post(`${planId}/steps/bad/retry`, body)).status).toBe(400);
    expect(await seqs()).toEqual(before);
  }, 60_000);

  it('is carried to the decider by a replica that stands by, and the old words for cancelling still do', async () => {
    behaviours.set('long', hold);
    const planId = await submit([{ name: 'long' }]);
    const standby = await Coordinator.start(settings, silentLogger);
    try {
      const by = { name: 'bob', via: 'rest' };
      const asked = { by, why: null, expectedSeq: null };
      const pause = { kind: 'operate' as const, planId, input: { kind: 'pause' as const, ...asked } };
      const applied = { status: 'decided', reply: { status: 'applied' } };
      expect(await standby.commands.execute(pause, null)).toMatchObject(applied);
      const cancel = { kind: 'cancel' as const, planId, ...asked };
      expect(await coordinator.commands.executeForwarded(cancel, null)).toMatchObject(applied);
      const unheard = { kind: 'operate', planId, input: { kind: 'levitate' } };
      expect(await coordinator.commands.executeForwarded(unheard, null)).toMatchObject({
        status: 'unavailable',
        code: 'malformed-command',
      });
      expect((await events(planId)).map(({ type }) => type)).toEqual(
        expect.arrayContaining(['plan.paused', 'plan.cancelled']),
      );
    } finally {
      await standby.stop();
    }
  }, 60_000);
});
