import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gitRepo, tempDir } from '#testing';
import { SKEIN, Stack, freshDataDir } from './stack.ts';

const TEST_MS = 300_000;
const run = promisify(execFile);

/** `second` says what it does; `first` leaves behind which plan did it. */
function planText(repo: string, branch: string, second: object): string {
  return JSON.stringify({
    version: 1,
    name: 'operated',
    repo: { url: repo, base: 'main' },
    integrate: { branch },
    steps: [
      { name: 'first', run: 'echo "$SKEIN_PLAN" > first.txt' },
      { name: 'second', needs: ['first'], ...second },
    ],
  });
}

/** Does nothing until somebody tells it how. */
const STUBBORN = {
  attempts: 1,
  agent: {
    command: 'grep -q "use tabs" "$SKEIN_FEEDBACK" && cp first.txt second.txt',
    prompt: 'Write second.txt.',
  },
};

describe('an operator at the command line, on the built stack', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.up({ dataDir: await freshDataDir(), slots: 2 });
  }, TEST_MS);

  afterAll(async () => {
    await stack.stop();
  }, 60_000);

  async function skein(...args: string[]): Promise<{ code: number; out: string }> {
    try {
      const { stdout } = await run(SKEIN, ['--url', stack.url, ...args]);
      return { code: 0, out: stdout };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout + stderr };
    }
  }

  it(
    'tells a blocked step what to do: it passes from what its plan had come to, and all of it is integrated',
    async () => {
      const repo = await gitRepo({ 'readme.txt': 'hello\n' });
      const planId = await stack.submit(planText(repo.bare, 'tabs', STUBBORN));
      expect((await stack.closed(planId)).status).toBe('halted');
      const explained = await skein('explain', planId, 'integrate');
      expect(explained.out).toMatch(/^integrate \(s\d\) is waiting/);
      const retried = await skein('retry', planId, 'second', '--note', 'use tabs', '--why', 'told it');
      expect(retried).toEqual({ code: 0, out: `second of ${planId} is tried again\n` });
      const plan = await stack.closed(planId);
      expect(plan).toMatchObject({ status: 'completed', integration: { state: 'published' } });
      expect(await repo.show('tabs', 'second.txt')).toBe(`${planId}\n`);
      const reopened = (await stack.ledger(planId)).find(({ type }) => type === 'step.reopened');
      expect(reopened?.data).toMatchObject({ why: 'told it', note: 'use tabs' });
      const again = await skein('retry', planId, 'second');
      expect(again).toMatchObject({
        code: 1,
        out: expect.stringContaining('only what is blocked or poisoned'),
      });
    },
    TEST_MS,
  );

  it(
    'forks a halted plan with another text: only the step that changed is done, on what the other plan did',
    async () => {
      const repo = await gitRepo({ 'readme.txt': 'hello\n' });
      const origin = await stack.submit(planText(repo.bare, 'forked', { run: 'exit 7' }));
      expect((await stack.closed(origin)).status).toBe('halted');
      // The base moves on; the fork does not.
      await repo.commit({ 'later.txt': 'later\n' });
      const file = join(await tempDir('fork'), 'plan.json');
      await writeFile(file, planText(repo.bare, 'forked', { run: 'cp first.txt second.txt' }));
      const forked = await skein('fork', origin, file, '--json');
      expect(forked.code).toBe(0);
      const { planId, takenOver } = JSON.parse(forked.out) as { planId: string; takenOver: string[] };
      expect(takenOver).toEqual(['first']);
      expect((await stack.closed(planId)).status).toBe('completed');
      const ordinals = (await stack.ledger(planId)).filter(({ type }) => type === 'step.admitted');
      const first = (await stack.steps(planId)).find(({ name }) => name === 'first');
      expect(ordinals.map(({ data }) => `s${String(data['ordinal'])}`)).not.toContain(first?.ordinal);
      expect(await repo.show('forked', 'second.txt')).toBe(`${origin}\n`);
      expect((await skein('ledger', 'verify', planId)).code).toBe(0);
    },
    TEST_MS,
  );
});
