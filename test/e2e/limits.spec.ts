import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, gitRepo, tempDir } from '#testing';
import { SKEIN, Stack, freshDataDir } from './stack.ts';

const TEST_MS = 300_000;
const run = promisify(execFile);

describe('limits at the command line, on the built stack', () => {
  let stack: Stack;

  beforeAll(async () => {
    const env = { SKEIN_TENANTS: 'local,acme', SKEIN_TENANT_CAPS: 'acme=2' };
    stack = await Stack.up({ dataDir: await freshDataDir(), slots: 4, env });
  }, TEST_MS);

  afterAll(async () => {
    await stack.stop();
  }, 60_000);

  async function skein(...args: string[]): Promise<string> {
    return (await run(SKEIN, ['--url', stack.url, ...args])).stdout;
  }

  async function inUse(key: string): Promise<unknown> {
    const lines = (await skein('limits', '--json')).trim().split('\n');
    const limits = lines.map((line) => JSON.parse(line) as { key: string; inUse: number; value: number });
    const found = limits.find((one) => one.key === key);
    return found && [found.inUse, found.value];
  }

  it(
    'hold what runs, change while it runs, say who waits for what, and prove who changed them',
    async () => {
      const repo = await gitRepo();
      const steps = [{ name: 'held', matrix: [...'abcdef'], run: 'sleep 600' }];
      const plan = {
        version: 1,
        name: 'held',
        repo: { url: repo.bare, base: 'main' },
        integrate: 'none',
        steps,
      };
      const file = join(await tempDir('limits'), 'plan.json');
      await writeFile(file, JSON.stringify(plan));
      const submitted = JSON.parse(await skein('submit', file, '--tenant', 'acme', '--json')) as {
        planId: string;
      };
      const { planId } = submitted;
      const running = async (count: number): Promise<boolean> =>
        (await stack.steps(planId)).filter(({ state }) => state === 'running').length === count;
      await eventually(() => running(2), { timeoutMs: 90_000, what: 'as many as the settings allow' });

      await skein('limits', 'set', 'tenant:acme=3', '--why', 'a release');
      await eventually(() => running(3), { timeoutMs: 90_000, what: 'one more' });
      await skein('limits', 'set', 'tenant:acme=1', `plan:${planId}=5`);
      expect(await inUse('tenant:acme')).toEqual([3, 1]);
      expect(await running(3)).toBe(true);
      expect(await skein('explain', planId, 's6')).toContain(
        'tenant acme is at its cap of 1 (3 in flight); its plan is next in line, behind 2 of its own steps',
      );

      const history = (await skein('limits', 'history')).trim().split('\n');
      expect(history.map((line) => line.split(': ').slice(1).join(': '))).toEqual([
        'tenant:acme=3 (a release)',
        `tenant:acme=1, plan:${planId}=5`,
      ]);
      expect(await skein('ledger', 'verify', '--limits')).toMatch(
        /^verified: 2 events, head 2:[0-9a-f]{64}$/m,
      );
      await skein('cancel', planId);
    },
    TEST_MS,
  );
});
