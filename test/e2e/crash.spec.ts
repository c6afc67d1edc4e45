import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { eventually, gitRepo, tempDir, type GitRepo } from '#testing';
import { Stack, freshDataDir, kill, skein, type LedgerLine } from './stack.ts';

const STEPS = 8;
const SEED = 20_261_120;

/** Same numbers each run: mulberry32. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Each step says in the witness file that it runs, with its epoch and attempt, then changes a file of its own. */
function planText(repo: GitRepo, witness: string): string {
  return JSON.stringify({
    version: 1,
    name: 'witnessed',
    repo: { url: repo.bare, base: 'main' },
    integrate: { branch: 'witnessed', verify: ['test -f done/1.txt'] },
    steps: [
      {
        name: 'change',
        matrix: Array.from({ length: STEPS }, (_, index) => String(index + 1)),
        run: [
          `echo "s$SKEIN_MATRIX $SKEIN_EPOCH $SKEIN_ATTEMPT" >> '${witness}'`,
          'sleep 0.4',
          'mkdir -p done && echo "$SKEIN_MATRIX" > "done/$SKEIN_MATRIX.txt"',
        ],
        verify: ['test -f "done/$SKEIN_MATRIX.txt"'],
      },
      {
        name: 'gather',
        needs: ['change'],
        run: [`echo "gather $SKEIN_EPOCH $SKEIN_ATTEMPT" >> '${witness}'`, 'cat done/*.txt > all.txt'],
      },
    ],
  });
}

describe('the whole stack, killed with kill -9', () => {
  let repo: GitRepo;
  let witness: string;
  let dataDir: string;
  let stack: Stack;
  const env = (): Record<string, string> => ({
    SKEIN_LEASE_MS: '3s',
    SKEIN_CLAIM_TIMEOUT_MS: '2s',
    SKEIN_STEP_WRITABLE: dirname(witness),
  });

  beforeEach(async () => {
    repo = await gitRepo({ 'README.md': '# Witnessed\n' });
    witness = `${await tempDir('witness')}/witness.log`;
    await mkdir(dirname(witness), { recursive: true });
    await appendFile(witness, '');
    dataDir = await freshDataDir();
    stack = await Stack.up({ dataDir, slots: 4, env: env() });
  }, 300_000);

  afterEach(async () => {
    await stack.stop();
  }, 60_000);

  async function upAgain(): Promise<void> {
    stack = await Stack.up({ dataDir, slots: 4, env: env() });
  }

  const passedCount = async (planId: string): Promise<number> =>
    (await stack.ledger(planId)).filter(({ type }) => type === 'step.passed').length;

  /** The one thing that must never happen: work of a step after the ledger accepted it. */
  async function expectNothingRanAgain(events: LedgerLine[]): Promise<void> {
    const nameOf = new Map<number, string>();
    const expanded = events.find(({ type }) => type === 'plan.expanded')!.data;
    for (const step of expanded['steps'] as { ordinal: number; name: string }[]) {
      nameOf.set(step.ordinal, step.name.replace(/^change\[(\d+)\]$/, 's$1'));
    }
    const acceptedEpoch = new Map<string, number>();
    for (const { type, data } of events) {
      if (type !== 'step.passed') continue;
      const name = nameOf.get(data['ordinal'] as number) ?? 'resolve';
      expect(acceptedEpoch.has(name)).toBe(false);
      acceptedEpoch.set(name, data['epoch'] as number);
    }
    const runs = (await readFile(witness, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    const seen = new Set<string>();
    const newest = new Map<string, number>();
    for (const [name, epoch, attempt] of runs) {
      expect(Number(epoch)).toBeLessThanOrEqual(acceptedEpoch.get(name!)!);
      // Nor may an older lease's work show up behind a newer one's.
      expect(Number(epoch)).toBeGreaterThanOrEqual(newest.get(name!) ?? 0);
      newest.set(name!, Number(epoch));
      const once = `${name} ${epoch} ${attempt}`;
      expect(seen.has(once)).toBe(false);
      seen.add(once);
    }
    expect(new Set(runs.map(([name]) => name)).size).toBe(STEPS + 1);
  }

  async function expectFinished(planId: string): Promise<void> {
    const plan = await stack.closed(planId);
    expect(plan).toMatchObject({
      status: 'completed',
      integration: { branch: 'witnessed', state: 'published' },
    });
    expect(await repo.head('witnessed')).toBe(plan.integration!.sha);
    expect((await repo.show('witnessed', 'all.txt'))?.split('\n').filter(Boolean).sort()).toEqual(
      Array.from({ length: STEPS }, (_, index) => String(index + 1)).sort(),
    );
    await expectNothingRanAgain(await stack.ledger(planId));
    const verified = await skein(['ledger', 'verify', planId], { url: stack.url });
    expect(verified).toMatchObject({ code: 0 });
  }

  it('finishes the plan after deaths at five seeded points, one of them between append and publish', async () => {
    const chance = random(SEED);
    // 1: appended, and nothing of it published. nats-server stands still, so no job can leave the coordinator.
    await stack.closed(
      await stack.submit(JSON.stringify({ version: 1, name: 'warm', steps: [{ name: 'up', noop: true }] })),
    );
    for (const pid of await stack.processes('nats-server')) kill(pid, 'SIGSTOP');
    const planId = await stack.submit(planText(repo, witness), 'crash');
    await eventually(async () => (await stack.ledger(planId)).some(({ type }) => type === 'step.admitted'), {
      what: 'the first admission to be recorded',
    });
    await stack.killEverything();
    await upAgain();
    // 2 to 5: somewhere between one passed step and the next.
    for (let death = 0; death < 4; death += 1) {
      const goal = 1 + death * 2;
      await eventually(async () => (await passedCount(planId)) >= goal, {
        timeoutMs: 60_000,
        what: `${goal} steps to pass`,
      });
      await new Promise((resolve) => setTimeout(resolve, Math.floor(chance() * 300)));
      // A death after the end would show nothing.
      expect(await stack.plan(planId)).toMatchObject({ status: 'running' });
      await stack.killEverything();
      await upAgain();
    }
    await expectFinished(planId);
  }, 300_000);

  it('finishes the plan when the JetStream store is deleted in mid-plan', async () => {
    const planId = await stack.submit(planText(repo, witness), 'wipe');
    await eventually(async () => (await passedCount(planId)) >= 3, {
      timeoutMs: 60_000,
      what: 'three steps to pass',
    });
    await stack.killEverything();
    await rm(`${dataDir}/nats/jetstream`, { recursive: true });
    await upAgain();
    await expectFinished(planId);
  }, 200_000);
});
