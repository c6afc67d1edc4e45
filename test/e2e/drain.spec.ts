import { eventually, gitRepo } from '#testing';
import { BuiltFleet } from './built-fleet.ts';
import { processesOf, type LedgerLine } from './stack.ts';

const TEST_MS = 180_000;
/** So long that whoever waited for its end would be seen. */
const LEASE_MS = 60_000;
const GRACE_MS = 3_000;

const at = (line: LedgerLine | undefined): number => Date.parse(line!.at);

describe('a program that is asked to end', () => {
  let fleet: BuiltFleet;

  afterEach(() => fleet.stop(), 60_000);

  it(
    'a worker in mid-attempt keeps what it has, hands the lease back, and the next worker starts at once',
    async () => {
      fleet = await BuiltFleet.start({
        SKEIN_LEASE_MS: String(LEASE_MS),
        SKEIN_DRAIN_GRACE_MS: String(GRACE_MS),
      });
      const repo = await gitRepo({ 'README.md': '# Drained\n' });
      const mark = `${60_000 + Math.floor(Math.random() * 9_000)}.25`;
      const planId = await fleet.submit({
        version: 1,
        name: 'drained',
        repo: { url: repo.bare, base: 'main' },
        integrate: { branch: 'drained' },
        steps: [
          {
            name: 'fix',
            attempts: 3,
            agent: {
              prompt: 'Write the second version.',
              command: [
                'if [ "$SKEIN_ATTEMPT" = 1 ]; then echo first > fixed.txt; exit 0; fi',
                `if [ "$SKEIN_EPOCH" = 1 ]; then (setsid sleep ${mark} &); exec sleep ${mark}; fi`,
                'test "$(cat fixed.txt)" = first && grep -q "not the second" "$SKEIN_FEEDBACK" && echo second > fixed.txt',
              ].join('\n'),
            },
            verify: ['grep -q second fixed.txt || { echo not the second; exit 1; }'],
          },
        ],
      });
      const first = await fleet.worker('w1');
      await eventually(async () => (await processesOf(`sleep\0${mark}`)).length > 0, {
        timeoutMs: 30_000,
        what: 'the second attempt to run',
      });
      await fleet.worker('w2');
      const askedAt = Date.now();
      expect(await first.end('SIGTERM')).toBe(0);
      expect(Date.now() - askedAt).toBeLessThan(GRACE_MS + 2_000);
      expect(await processesOf(mark)).toEqual([]);

      expect(await fleet.closed(planId)).toMatchObject({ status: 'completed' });
      const story = await fleet.story(planId, 'fix');
      expect(story.map(({ type }) => type)).toEqual([
        'step.admitted',
        'lease.granted',
        'attempt.finished',
        'lease.released',
        'step.admitted',
        'lease.granted',
        'attempt.finished',
        'step.passed',
      ]);
      expect(story[3]!.data).toMatchObject({ counts: false, reason: { code: 'draining' }, worker: 'w1' });
      expect(
        story.filter(({ type }) => type === 'attempt.finished').map(({ data }) => data['attempt']),
      ).toEqual([1, 2]);
      expect(story[5]!.data).toMatchObject({ worker: 'w2', epoch: 2 });
      expect(at(story[3])).toBeLessThan(askedAt + GRACE_MS);
      expect(at(story[5]) - at(story[3])).toBeLessThan(2_000);
      process.stderr.write(
        `drained: handed back after ${at(story[3]) - askedAt} ms, taken up ${at(story[5]) - at(story[3])} ms later\n`,
      );
      expect(await repo.show('drained', 'fixed.txt')).toBe('second\n');
    },
    TEST_MS,
  );

  it(
    'a decider under load hands its term over: every request is answered or repeated, and nothing is lost',
    async () => {
      const ttlMs = 18_000;
      fleet = await BuiltFleet.start({
        SKEIN_LEASE_MS: String(LEASE_MS),
        SKEIN_DECIDER_TTL_MS: String(ttlMs),
      });
      const [decider] = fleet.coordinators;
      const standby = await fleet.coordinator();
      await fleet.worker('w1', { SKEIN_WORKER_SLOTS: '8' });
      await fleet.worker('w2', { SKEIN_WORKER_SLOTS: '8' });
      const plan = {
        version: 1,
        name: 'load',
        steps: [
          { name: 'leaf', matrix: Array.from({ length: 20 }, (_, index) => `v${index}`), noop: true },
          { name: 'join', needs: ['leaf'], noop: true },
        ],
      };
      const done = new AbortController();
      const taken = new Map<string, Set<string>>();
      const refusals: string[] = [];
      let repeats = 0;
      const client = async (lane: number): Promise<void> => {
        for (let turn = 0; !done.signal.aborted; turn++) {
          const key = `${lane}-${turn}`;
          taken.set(key, new Set());
          // As a client does: the same key until there is an answer, at whoever runs.
          while (taken.get(key)!.size === 0) {
            await fleet
              .post<{ planId: string }>(
                '/v1/plans',
                { text: JSON.stringify(plan) },
                { 'idempotency-key': key },
              )
              .then(({ planId }) => taken.get(key)!.add(planId))
              .catch(async (error: Error) => {
                if (!/fetch failed|aborted|: 503 /.test(error.message)) refusals.push(error.message);
                repeats += 1;
                await new Promise((resolve) => setTimeout(resolve, 20));
              });
          }
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      const clients = [0, 1, 2, 3].map(client);
      await eventually(() => taken.size >= 20, { timeoutMs: 30_000, what: 'load' });

      const askedAt = performance.now();
      expect(await decider!.end('SIGTERM')).toBe(0);
      const endedMs = Math.round(performance.now() - askedAt);
      await eventually(() => standby.log.includes('"Deciding"'), {
        timeoutMs: 30_000,
        what: 'the take-over',
      });
      const tookMs = Math.round(performance.now() - askedAt);
      const before = taken.size;
      await eventually(() => taken.size >= before + 20, { timeoutMs: 30_000, what: 'more load' });
      done.abort();
      await Promise.all(clients);
      process.stderr.write(
        `handed over: ended after ${endedMs} ms, taken over after ${tookMs} ms, ${repeats} requests repeated\n`,
      );
      expect(refusals).toEqual([]);
      expect(endedMs).toBeLessThan(10_000);
      // Standbys look three times within a term's life. Who waits for its end waits for two thirds of it at least.
      expect(tookMs).toBeLessThan((ttlMs * 2) / 3);

      const ids = [...taken.values()].map((planIds) => [...planIds]);
      expect(ids.every((planIds) => planIds.length === 1)).toBe(true);
      expect(new Set(ids.flat()).size).toBe(taken.size);
      for (const planId of ids.flat()) {
        expect(await fleet.closed(planId)).toMatchObject({ status: 'completed', counts: { passed: 21 } });
        const events = await fleet.ledger(planId);
        expect(events.filter(({ type }) => type === 'step.passed')).toHaveLength(21);
        expect(events.filter(({ type }) => type === 'lease.lost')).toEqual([]);
      }
    },
    TEST_MS,
  );
});
