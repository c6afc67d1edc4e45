import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectBus, DeadLetters } from '#bus';
import { silentLogger } from '#telemetry';
import { eventually, gitRepo } from '#testing';
import { BuiltFleet } from './built-fleet.ts';
import { processesOf } from './stack.ts';

const TEST_MS = 180_000;

interface Page {
  kind: string;
  plan: { id: string };
}

describe('a step that costs each of its workers their life', () => {
  let fleet: BuiltFleet;
  let server: Server;
  const pages: Page[] = [];

  beforeEach(async () => {
    server = createServer((request, response) => {
      void textOf(request).then((text) => pages.push(JSON.parse(text) as Page));
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const sinks = [{ name: 'duty', type: 'webhook', url, secrets: ['secret-of-the-poison-spec'] }];
    fleet = await BuiltFleet.start({ SKEIN_LEASE_MS: '3s', SKEIN_SINKS: JSON.stringify(sinks) });
  }, TEST_MS);

  afterEach(async () => {
    await fleet.stop();
    server.closeAllConnections();
    server.close();
  }, 60_000);

  it(
    'goes on from its last attempt with each lease, is dead after maxLeases, and halts what depends on it only',
    async () => {
      const repo = await gitRepo({ 'README.md': '# Poison\n' });
      const mark = `${80_000 + Math.floor(Math.random() * 9_000)}.75`;
      const planId = await fleet.submit({
        version: 1,
        name: 'poison',
        repo: { url: repo.bare, base: 'main' },
        maxLeases: 2,
        steps: [
          {
            name: 'pill',
            attempts: 3,
            agent: {
              prompt: 'Survive.',
              command: [
                'if [ "$SKEIN_ATTEMPT" = 1 ]; then echo the last words; exit 1; fi',
                `grep -q "the last words" "$SKEIN_FEEDBACK" && exec sleep ${mark}`,
              ].join('\n'),
            },
          },
          { name: 'after', needs: ['pill'], noop: true },
          { name: 'other', run: 'echo other > other.txt' },
          { name: 'more', needs: ['other'], noop: true },
        ],
      });
      for (const name of ['w1', 'w2']) {
        const worker = await fleet.worker(name);
        await eventually(async () => (await processesOf(`sleep\0${mark}`)).length > 0, {
          timeoutMs: 60_000,
          what: `${name} to be in the second attempt`,
        });
        await worker.end('SIGKILL');
        await eventually(async () => (await processesOf(mark)).length === 0, {
          what: 'the step to die with it',
        });
      }
      await fleet.worker('w3');
      const plan = await fleet.closed(planId);
      expect(plan).toMatchObject({ status: 'halted', counts: { poisoned: 1 } });
      const states = Object.fromEntries((await fleet.steps(planId)).map(({ name, state }) => [name, state]));
      expect(states).toMatchObject({ pill: 'poisoned', after: 'waiting', other: 'passed', more: 'passed' });
      // Used attempts stay used: no lease begins with the first one again.
      const story = await fleet.story(planId, 'pill');
      expect(story.map(({ type, data }) => [type, data['worker'], data['counts']])).toEqual([
        ['step.admitted', undefined, undefined],
        ['lease.granted', 'w1', undefined],
        ['attempt.finished', 'w1', undefined],
        ['lease.lost', 'w1', true],
        ['step.admitted', undefined, undefined],
        ['lease.granted', 'w2', undefined],
        ['lease.lost', 'w2', true],
        ['step.poisoned', undefined, undefined],
      ]);
      const { waits } = await fleet
        .get<{ waits: string }>(`/v1/plans/${planId}/steps/after/explain`)
        .then((all) => ({
          waits: JSON.stringify(all),
        }));
      expect(waits).toContain('pill');
      expect(waits).toContain('poisoned');
      await expectCopy(planId);
      await eventually(
        () => pages.some(({ kind, plan: { id } }) => kind === 'step.poisoned' && id === planId),
        {
          timeoutMs: 30_000,
          what: 'the page about the step',
        },
      );
      await eventually(
        () => pages.some(({ kind, plan: { id } }) => kind === 'plan.halted' && id === planId),
        {
          timeoutMs: 30_000,
          what: 'the page about the plan',
        },
      );
    },
    TEST_MS,
  );

  /** On the stream of dead letters: job, history, last output and reason. */
  async function expectCopy(planId: string): Promise<void> {
    const bus = await connectBus({
      url: fleet.nats.url,
      namespace: 'skein',
      name: 'spec',
      log: silentLogger,
    });
    try {
      const [letter] = await new DeadLetters({ bus }).list();
      expect(letter).toMatchObject({
        planId,
        payload: {
          planName: 'poison',
          instance: { name: 'pill', kind: 'agent' },
          definition: { attempts: 3, pool: 'default', work: { kind: 'agent' } },
          epoch: 2,
          reason: { code: 'leases-used-up' },
          attemptsUsed: 1,
          leasesLost: 2,
          lastOutput: expect.stringContaining('the last words'),
        },
      });
      const { history } = letter!.payload as { history: { type: string; at: string }[] };
      expect(history.map(({ type }) => type)).toEqual(
        (await fleet.story(planId, 'pill')).map(({ type }) => type),
      );
    } finally {
      await bus.close();
    }
  }
});

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}
