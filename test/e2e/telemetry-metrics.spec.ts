import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { declaredMetrics, type MetricDeclaration } from '#telemetry';
import { freePort } from '#servers';
import { eventually, gitRepo, Scrape, type GitRepo } from '#testing';
import { Stack, freshDataDir, kill } from './stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const COORDINATOR = 'apps/coordinator/src/main.js';
const TABLE: MetricDeclaration[] = Object.values(declaredMetrics as Record<string, MetricDeclaration>);
const DECIDERS_OWN = TABLE.filter(({ by }) => by === 'decider').map(({ name }) => name);

function planText(repo: GitRepo, branch: string): string {
  return JSON.stringify({
    version: 1,
    name: 'measured',
    repo: { url: repo.bare, base: 'main' },
    integrate: { branch, verify: ['test -f 3.txt'] },
    steps: [
      {
        name: 'change',
        matrix: ['1', '2', '3'],
        run: ['echo "$SKEIN_MATRIX" > "$SKEIN_MATRIX.txt"'],
        setup: ['true'],
        verify: ['test -f "$SKEIN_MATRIX.txt"'],
      },
      {
        name: 'second-try',
        needs: ['change'],
        agent: {
          prompt: 'Try.',
          command: 'test -n "$SKEIN_FEEDBACK" && echo good > try.txt || echo bad > try.txt',
        },
        attempts: 2,
        verify: ['grep -q good try.txt'],
      },
    ],
  });
}

describe('the metrics of the built programs', () => {
  let repo: GitRepo;
  let stack: Stack;
  const standbys: ChildProcess[] = [];

  beforeAll(async () => {
    repo = await gitRepo({ 'README.md': '# Measured\n' });
  });

  afterEach(async () => {
    for (const standby of standbys.splice(0)) standby.kill('SIGKILL');
    await stack.stop();
  }, 60_000);

  it('tell of a plan at the coordinator and at each worker, at a port of its own', async () => {
    const port = await freePort();
    stack = await Stack.up({
      dataDir: await freshDataDir(),
      workers: 2,
      slots: 2,
      env: { SKEIN_METRICS_PORT: String(port) },
    });
    const planId = await stack.submit(planText(repo, 'measured'));
    expect(await stack.closed(planId)).toMatchObject({ status: 'completed' });

    const coordinator = await scrape(`${stack.url}/metrics`);
    expect(coordinator.sum('skein_plans_submitted_total')).toBe(1);
    expect(coordinator.sum('skein_plan_duration_seconds_count', { status: 'completed' })).toBe(1);
    const outcomes = (kind: string) =>
      coordinator.sum('skein_step_outcomes_total', { outcome: 'passed', kind });
    for (const kind of ['resolve', 'agent', 'integrate', 'publish', 'clean']) expect(outcomes(kind)).toBe(1);
    expect(outcomes('run')).toBe(3);
    expect(coordinator.sum('skein_attempts_total', { verdict: 'accepted' })).toBe(4);
    expect(coordinator.sum('skein_attempts_total', { verdict: 'rejected', kind: 'agent' })).toBe(1);
    expect(coordinator.sum('skein_decider_active')).toBe(1);
    expect(coordinator.sum('skein_pool_slots', { pool: 'default' })).toBe(4);
    expect(coordinator.sum('skein_workers', { state: 'serving' })).toBe(2);
    expect(coordinator.sum('skein_decision_failures_total')).toBe(0);

    const workers = await Promise.all(
      [port, port + 1].map((one) => scrape(`http://127.0.0.1:${one}/metrics`)),
    );
    const names = workers.map((worker) => worker.all('target_info')[0]?.labels['service_instance_id']);
    expect(names).toEqual(['w1', 'w2']);
    const both = (name: string, labels: Record<string, string> = {}) =>
      workers.reduce((sum, worker) => sum + (worker.sum(name, labels) ?? 0), 0);
    expect(both('skein_worker_slots')).toBe(4);
    expect(both('skein_worker_job_ends_total', { how: 'answered' })).toBe(8);
    // Three changes, two tries, the integration.
    expect(both('skein_program_seconds_count', { phase: 'verify' })).toBe(3 + 2 + 1);
    expect(both('skein_program_seconds_count', { phase: 'setup', result: 'ok' })).toBe(3);
    for (const operation of ['fetch', 'checkout', 'commit', 'push', 'publish', 'merge', 'delete-refs'])
      expect([operation, both('skein_git_operation_seconds_count', { operation }) > 0]).toEqual([
        operation,
        true,
      ]);

    for (const one of [coordinator, ...workers]) expectDeclaredOnly(one);
    // What a process tells is what the table says that it tells.
    expect(coordinator.samples.some(({ name }) => name.startsWith('skein_worker_'))).toBe(false);
    for (const worker of workers)
      expect(worker.samples.some(({ name }) => /^skein_(steps|plans|ledger|decision)/.test(name))).toBe(
        false,
      );

    await expectDocumentedFields(stack);
  }, 240_000);

  it('of a standby leave out what only the decider knows, until it decides itself', async () => {
    stack = await Stack.up({ dataDir: await freshDataDir(), slots: 2, env: { SKEIN_DECIDER_TTL_MS: '1s' } });
    const [decider] = await stack.processes(COORDINATOR);
    const standby = await startStandby(decider!);
    const told = (one: Scrape): string[] => DECIDERS_OWN.filter((name) => one.sum(name) !== null);
    const waiting = await scrape(`${standby}/metrics`);
    expect(told(waiting)).toEqual([]);
    expect(waiting.sum('skein_decider_active')).toBe(0);
    expect(waiting.sum('skein_decider_terms_begun_total')).toBe(0);
    // A pool has slots once a worker has told of them.
    await eventually(
      async () => {
        const names = told(await scrape(`${stack.url}/metrics`));
        return ['skein_steps', 'skein_plans_open', 'skein_pool_slots', 'skein_workers'].every((name) =>
          names.includes(name),
        );
      },
      { timeoutMs: 30_000, what: 'the decider to tell what it knows' },
    );

    kill(decider!, 'SIGKILL');
    const deciding = await eventually(
      async () => {
        const one = await scrape(`${standby}/metrics`);
        return one.sum('skein_decider_active') === 1 && one.sum('skein_workers', { state: 'serving' }) === 1
          ? one
          : null;
      },
      { timeoutMs: 30_000, what: 'the standby to decide' },
    );
    expect(deciding.sum('skein_decider_terms_begun_total')).toBe(1);
    expect(deciding.sum('skein_decider_term')).toBeGreaterThan(1);
    // `skein up` starts the killed one again; now that one stands by.
    const returned = await eventually(async () => scrape(`${stack.url}/metrics`), { timeoutMs: 60_000 });
    expect(returned.sum('skein_decider_active')).toBe(0);
    expect(told(returned)).toEqual([]);
  }, 240_000);

  /** Another replica of the coordinator, with the settings of the one that runs. */
  async function startStandby(pid: number): Promise<string> {
    const environ = await readFile(`/proc/${pid}/environ`, 'utf8');
    const env = Object.fromEntries(
      environ
        .split('\0')
        .filter((entry) => entry !== '')
        .map((entry): [string, string] => {
          const at = entry.indexOf('=');
          return [entry.slice(0, at), entry.slice(at + 1)];
        })
        .filter(([name]) => !name.startsWith('NODE_CHANNEL')),
    );
    const child = spawn(process.execPath, [join(ROOT, 'dist', COORDINATOR)], {
      env: { ...env, SKEIN_PORT: '0' },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    standbys.push(child);
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the standby ended with ${code}`)));
      child.on('message', (message) => resolve((message as { url: string }).url));
    });
  }
});

async function scrape(url: string): Promise<Scrape> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return Scrape.parse(await response.text());
}

/** Every series is of a metric, and has the labels, that the table has. */
function expectDeclaredOnly(one: Scrape): void {
  for (const { name, labels } of one.samples) {
    if (name === 'target_info') continue;
    const metric = TABLE.find(
      (declared) =>
        declared.name === name ||
        (declared.kind === 'histogram' && name.replace(/_(bucket|sum|count)$/, '') === declared.name),
    );
    expect([name, metric !== undefined]).toEqual([name, true]);
    const allowed = [...Object.keys(metric!.labels), ...(name.endsWith('_bucket') ? ['le'] : [])];
    expect(Object.keys(labels).sort()).toEqual(allowed.sort());
  }
}

/** The fields that docs/telemetry.md promises for every line, and for every line of a worker. */
async function expectDocumentedFields(stack: Stack): Promise<void> {
  const page = await readFile(join(ROOT, 'docs/telemetry.md'), 'utf8');
  const promised = (where: string): string[] =>
    [...page.matchAll(/^\|([^|]+)\|([^|]+)\|/gm)]
      .filter(([, , on]) => on!.trim() === where)
      .flatMap(([, fields]) => [...fields!.matchAll(/`(\w+)`/g)].map(([, field]) => field!));
  const everywhere = promised('every line');
  expect(everywhere).toEqual(expect.arrayContaining(['time', 'level', 'name', 'msg']));
  expect(promised('every line of a worker')).toEqual(['worker']);
  for (const [program, fields] of [
    ['coordinator', everywhere],
    ['worker-1', [...everywhere, 'worker']],
  ] as const) {
    const log = await readFile(`${stack.dataDir}/logs/${program}.log`, 'utf8');
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(Object.keys(line)).toEqual(expect.arrayContaining([...fields]));
    const attempts = lines.filter(({ msg }) => msg === 'attempt finished');
    for (const line of attempts)
      expect(Object.keys(line)).toEqual(
        expect.arrayContaining(['planId', 'ordinal', 'epoch', 'attempt', 'verdict', 'reason']),
      );
  }
}
