import { createServer } from 'node:net';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, gitRepo } from '#testing';
import { listens, OwnMachine, PACKAGE, type Started } from './own-machine.ts';

const SKEIN = join(PACKAGE, 'bin/skein');
const TEST_MS = 240_000;

async function up(
  machine: OwnMachine,
  args: string[] = ['--port', '0'],
  env: Record<string, string> = {},
): Promise<{ stack: Started; url: string }> {
  const stack = machine.start(SKEIN, ['up', '--data-dir', join(machine.root, 'data'), ...args], { env });
  const [, url] = await stack.prints(/^ready (http:\S+)$/m);
  return { stack, url: url! };
}

async function skein(machine: OwnMachine, url: string, ...args: string[]) {
  return machine.start(SKEIN, args, { env: { SKEIN_URL: url } }).ended;
}

async function aPlan(machine: OwnMachine, steps: number): Promise<string> {
  const file = join(machine.root, 'plan.yaml');
  const values = Array.from({ length: steps }, (_, index) => `"${index}"`).join(', ');
  await writeFile(
    file,
    `version: 1\nname: nothing\nmaxParallel: 2\nsteps:\n  - name: idle\n    noop: true\n    matrix: [${values}]\n`,
  );
  return file;
}

describe('skein up', () => {
  it(
    'takes plans, shows them, verifies their ledger, and leaves nothing running',
    async () => {
      const machine = await OwnMachine.make();
      const { stack, url } = await up(machine);
      const submitted = await skein(machine, url, 'submit', await aPlan(machine, 5), '--watch');
      expect(submitted.output).toMatch(/plan \w+ completed/);
      expect(submitted.code).toBe(0);
      const [listed] = (await skein(machine, url, 'plans', '--json')).output.split('\n');
      const { planId } = JSON.parse(listed!) as { planId: string };
      const status = await skein(machine, url, 'status', planId, '--json');
      expect(JSON.parse(status.output)).toMatchObject({ status: 'completed', steps: { length: 5 } });
      const verified = await skein(machine, url, 'ledger', 'verify', planId);
      expect(verified.output).toMatch(/verified: \d+ events/);
      expect(verified.code).toBe(0);
      const wrong = await skein(machine, url, 'ledger', 'verify', planId, '--anchor', `2:${'0'.repeat(64)}`);
      expect(wrong.output).toContain('NOT VERIFIED');
      expect(wrong.code).toBe(2);
      expect((await skein(machine, url, 'status', 'nosuchplan')).code).toBe(1);
      const secrets = await stat(join(machine.root, 'data/secrets.json'));
      expect(secrets.mode & 0o077).toBe(0);
      stack.child.kill('SIGINT');
      expect((await stack.ended).code).toBe(0);
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it(
    "says nothing secret in its children's command lines",
    async () => {
      const machine = await OwnMachine.make();
      const { stack } = await up(machine);
      const secrets = JSON.parse(await readFile(join(machine.root, 'data/secrets.json'), 'utf8')) as Record<
        string,
        string
      >;
      const commands = (await machine.processes()).join('\n');
      expect(commands).toContain('dist/apps/coordinator');
      expect(commands).not.toContain(secrets['natsPassword']);
      expect(commands).not.toMatch(/postgres:\/\//);
      stack.child.kill('SIGTERM');
      await stack.ended;
    },
    TEST_MS,
  );

  it(
    'goes on with unfinished plans after a kill -9 of the launcher, on the same data directory',
    async () => {
      const machine = await OwnMachine.make();
      const first = await up(machine);
      const submitted = await skein(machine, first.url, 'submit', await aPlan(machine, 2_000), '--json');
      const { planId } = JSON.parse(submitted.output) as { planId: string };
      first.stack.child.kill('SIGKILL');
      await first.stack.ended;
      const second = await up(machine);
      const watched = await skein(machine, second.url, 'watch', planId);
      expect(watched.output).toMatch(/completed/);
      expect(watched.code).toBe(0);
      expect((await skein(machine, second.url, 'ledger', 'verify', planId)).code).toBe(0);
      second.stack.child.kill('SIGTERM');
      expect((await second.stack.ended).code).toBe(0);
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it(
    'steps over a port that is taken, and refuses a data directory that is in use',
    async () => {
      const machine = await OwnMachine.make();
      const blocker = createServer();
      const port = await new Promise<number>((resolve) =>
        blocker.listen(0, '127.0.0.1', () => resolve((blocker.address() as { port: number }).port)),
      );
      const { stack, url } = await up(machine, ['--port', String(port)]);
      expect(stack.output).toContain(`port ${port} is taken; using ${new URL(url).port}`);
      const second = await machine.start(SKEIN, ['up', '--data-dir', join(machine.root, 'data')]).ended;
      expect(second.output).toMatch(/in use by process \d+/);
      expect(second.code).toBe(1);
      stack.child.kill('SIGTERM');
      await stack.ended;
      blocker.close();
      expect(await listens(Number(new URL(url).port))).toBe(false);
    },
    TEST_MS,
  );

  it(
    'starts a killed coordinator and a killed worker again',
    async () => {
      const machine = await OwnMachine.make();
      const { stack, url } = await up(machine);
      for (const program of ['coordinator', 'worker']) {
        const line = (await machine.processes()).find((text) => text.includes(`dist/apps/${program}/`));
        process.kill(Number(line?.split(' ')[0]), 'SIGKILL');
        await stack.prints(new RegExp(`${program}\\S* was ended by SIGKILL; starting it again`));
      }
      await eventually(async () => (await fetch(`${url}/readyz`)).ok, { timeoutMs: 30_000 });
      const watched = await skein(machine, url, 'submit', await aPlan(machine, 3), '--watch');
      expect(watched.code).toBe(0);
      stack.child.kill('SIGTERM');
      expect((await stack.ended).code).toBe(0);
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );

  it(
    'lets running steps finish at Ctrl-C, is hurried by a second one, and the step runs again at the next start',
    async () => {
      const machine = await OwnMachine.make();
      const repository = await gitRepo({ 'a.txt': 'a' });
      const file = join(machine.root, 'slow.yaml');
      const step = {
        name: 'slow',
        run: ['test -e "$WITNESS/go" || (echo begun && sleep 300)'],
        env: { WITNESS: machine.root },
      };
      await writeFile(
        file,
        JSON.stringify({ version: 1, name: 'slow', repo: repository.bare, integrate: 'none', steps: [step] }),
      );
      const env = { SKEIN_STEP_READABLE: machine.root, SKEIN_LEASE_MS: '3s' };
      const first = await up(machine, ['--port', '0'], env);
      const { planId } = JSON.parse((await skein(machine, first.url, 'submit', file, '--json')).output) as {
        planId: string;
      };
      await eventually(async () => (await machine.processes()).some((line) => line.includes('sleep 300')), {
        timeoutMs: 30_000,
      });
      first.stack.child.kill('SIGINT');
      await first.stack.prints(/running steps may finish/);
      const hurriedMs = performance.now();
      first.stack.child.kill('SIGINT');
      expect((await first.stack.ended).code).toBe(0);
      expect(performance.now() - hurriedMs).toBeLessThan(8_000);
      await machine.expectNothingLeft();
      await writeFile(join(machine.root, 'go'), '');
      const second = await up(machine, ['--port', '0'], env);
      expect((await skein(machine, second.url, 'watch', planId)).output).toMatch(/completed/);
      second.stack.child.kill('SIGTERM');
      await second.stack.ended;
    },
    TEST_MS,
  );

  it(
    'starts a killed Postgres and a killed nats-server again, and plans go on',
    async () => {
      const machine = await OwnMachine.make();
      const { stack, url } = await up(machine);
      for (const [program, name] of [
        ['bin/postgres', 'Postgres'],
        ['nats-server', 'nats-server'],
      ] as const) {
        const line = (await machine.processes()).find((text) => text.includes(`${program} `));
        process.kill(Number(line?.split(' ')[0]), 'SIGKILL');
        await stack.prints(new RegExp(`^.*${name} ended; starting it again`, 'm'));
      }
      const watched = await skein(machine, url, 'submit', await aPlan(machine, 20), '--watch');
      expect(watched.output).toMatch(/completed/);
      stack.child.kill('SIGTERM');
      expect((await stack.ended).code).toBe(0);
      await machine.expectNothingLeft();
    },
    TEST_MS,
  );
});

describe('without a server', () => {
  it('commands say where they looked and what to do, and end with 1', async () => {
    const machine = await OwnMachine.make();
    const { code, output } = await skein(machine, 'http://127.0.0.1:9', 'plans');
    expect(output).toContain('cannot reach http://127.0.0.1:9');
    expect(output).toContain('skein up');
    expect(code).toBe(1);
  });

  it('doctor tells what is found, config what is set, and neither tells a secret', async () => {
    const machine = await OwnMachine.make();
    const { output } = await machine.start(SKEIN, ['doctor']).ended;
    for (const name of ['Node', 'git', 'Postgres', 'nats-server', 'sandbox', 'disk', 'port']) {
      expect(output).toMatch(new RegExp(`^(found|weak|missing) +${name}: `, 'm'));
    }
    const env = { SKEIN_GIT_TOKEN: 'tok-123', SKEIN_SLOT: '4' };
    const config = await machine.start(SKEIN, ['config'], { env }).ended;
    expect(config.output).toMatch(/SKEIN_WORKER_SLOTS = 4/);
    expect(config.output).toContain('SKEIN_SLOT is set but is no setting');
    expect(config.output).not.toContain('tok-123');
    expect(config.code).toBe(0);
  });

  it('a wrong setting is told in one line, without a stack trace', async () => {
    const machine = await OwnMachine.make();
    const { code, output } = await machine.start(SKEIN, ['plans'], { env: { SKEIN_PORT: 'seven' } }).ended;
    expect(output).toContain('SKEIN_PORT');
    expect(output).not.toContain(' at ');
    expect(code).toBe(1);
  });
});
