import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '#testing';
import { Stack, freshDataDir, kill, skein } from './stack.ts';

const SECRET = 'e2e-secret-of-the-webhook';
const TEST_MS = 240_000;

/** Ends by its deadline, without any work. */
const LATE = JSON.stringify({
  version: 1,
  name: 'late',
  deadline: '1s',
  steps: [{ name: 'asleep', wait: '1h' }],
});

interface Page {
  id: string;
  kind: string;
  status: number;
}

describe('paging on the built stack', () => {
  const pages: Page[] = [];
  let status = 503;
  let server: Server;
  let stack: Stack;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
    pages.push({ ...(JSON.parse(text) as Page), status });
    response.writeHead(status).end('come back later');
  }

  beforeAll(async () => {
    server = createServer((request, response) => void take(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hidden-path`;
    const sinks = [{ name: 'audit', type: 'webhook', url, secrets: [SECRET] }];
    const env = { SKEIN_SINKS: JSON.stringify(sinks), SKEIN_LOG_LEVEL: 'debug' };
    stack = await Stack.up({ dataDir: await freshDataDir(), env });
  }, TEST_MS);

  afterAll(async () => {
    await stack?.stop();
    server?.closeAllConnections();
    server?.close();
  }, TEST_MS);

  const run = (...args: string[]) => skein(args, { url: stack.url });

  it(
    'tells the operator that nobody can be reached, and reaches them once they can be, over kill -9',
    async () => {
      const planId = await stack.submit(LATE);
      await eventually(() => pages.length >= 2, { timeoutMs: 30_000, what: 'two tries' });
      const failing = await run('sinks');
      expect(failing.stdout).toMatch(/^audit {2}webhook at http:\S+: failing for .*, 1 page waiting$/m);
      expect(failing.stdout).toContain('answered 503: come back later');
      expect(failing.code).toBe(2);
      expect(await run('sinks', 'test', 'audit')).toMatchObject({
        code: 2,
        stdout: 'audit did not take a test page: answered 503: come back later\n',
      });
      expect((await run('sinks', 'test', 'adit')).stderr).toContain('did you mean audit?');
      const doctor = await skein(['doctor'], { env: { SKEIN_URL: stack.url } });
      expect(doctor.stdout).toMatch(/weak +paging: people cannot be reached by audit: answered 503/);
      for (const pid of await stack.processes('dist/apps/coordinator')) kill(pid, 'SIGKILL');
      status = 202;
      await eventually(() => pages.some((page) => page.status === 202 && page.kind === 'plan.halted'), {
        timeoutMs: 60_000,
        what: 'the page to arrive',
      });
      const halted = pages.filter(({ id, kind }) => kind === 'plan.halted' && id);
      expect(new Set(halted.map(({ id }) => id)).size).toBe(1);
      await eventually(async () => (await run('sinks')).code === 0, {
        timeoutMs: 30_000,
        what: 'all to be well',
      });
      expect((await run('sinks', '--json')).stdout).toContain('"waiting":0');
      expect((await run('sinks', 'test', 'audit')).stdout).toMatch(/^audit took a test page \(202\) after /);
      expect(await stack.plan(planId)).toMatchObject({
        status: 'halted',
        reason: { code: 'deadline-passed' },
      });
    },
    TEST_MS,
  );

  it('keeps who is paged from the workers, and out of every log', async () => {
    const [worker] = await stack.processes('dist/apps/worker');
    expect(await readFile(`/proc/${worker}/environ`, 'utf8')).not.toContain('SKEIN_SINKS');
    const [coordinator] = await stack.processes('dist/apps/coordinator');
    expect(await readFile(`/proc/${coordinator}/environ`, 'utf8')).toContain('SKEIN_SINKS');
    let lines = '';
    for (const file of await readdir(stack.dataDir, { recursive: true, withFileTypes: true })) {
      if (file.isFile() && file.name.endsWith('.log'))
        lines += await readFile(join(file.parentPath, file.name), 'utf8');
    }
    expect(lines).toContain('sink-failing');
    expect(lines).not.toContain(SECRET);
    expect(lines).not.toContain('hidden-path');
  });
});
