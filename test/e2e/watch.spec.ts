import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, gitRepo, tempDir, type GitRepo } from '#testing';
import { freshDataDir, kill, processesOf, skein, Stack } from './stack.ts';
import { OnTerminal, Running } from './watched.ts';

const TEST_MS = 240_000;
const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\d+\/\d+ \S/;

describe('watching plans, on the built stack', () => {
  let stack: Stack;
  let folder: string;
  let git: GitRepo;

  beforeAll(async () => {
    folder = await tempDir('watch');
    await mkdir(folder, { recursive: true });
    git = await gitRepo({ 'a.txt': 'a\n' });
    stack = await Stack.up({
      dataDir: await freshDataDir(),
      slots: 4,
      env: { SKEIN_STEP_WRITABLE: folder },
    });
  }, TEST_MS);

  // A test that failed must not leave its watchers behind.
  afterEach(() => Running.endAll());
  afterAll(() => stack.stop(), TEST_MS);

  let gates = 0;
  /** A gate for steps: they wait until it is open. */
  function aGate() {
    const path = join(folder, `gate-${(gates += 1)}`);
    return { path, wait: `until test -e '${path}'; do sleep 0.1; done`, open: () => writeFile(path, '') };
  }

  /** So many look on, as the coordinator counts them. */
  async function untilStreams(count: number): Promise<void> {
    const isThat = async (): Promise<boolean> => {
      const metrics = await (await fetch(`${stack.url}/metrics`)).text();
      return /^skein_rest_streams(?:\{\})? (\d+)/m.exec(metrics)?.[1] === String(count);
    };
    await eventually(isThat, { timeoutMs: 30_000, what: `${count} open streams` });
  }

  async function submit(plan: Record<string, unknown>): Promise<string> {
    const base = { version: 1, name: 'watched', repo: { url: git.bare, base: 'main' }, integrate: 'none' };
    return stack.submit(JSON.stringify({ ...base, ...plan }));
  }

  it(
    'shows a plan in a terminal as it goes on, and ends with 0 when it completes',
    async () => {
      const gate = aGate();
      const planId = await submit({
        name: 'live',
        steps: [
          { name: 'first', run: 'true' },
          { name: 'fan', matrix: ['変換', '🧵', 'x'], run: 'true' },
          { name: 'held', needs: ['first'], run: gate.wait },
          { name: 'after', needs: ['held', 'fan'], noop: true },
        ],
      });
      const watch = OnTerminal.start(stack.url, ['watch', planId]);
      await watch.shows(/running +held /);
      await watch.shows(/passed +fan\[変換\]/);
      await watch.shows(/waiting +after +needs held \(0 of 1 done\)/);
      expect(watch.screen.isCursorShown).toBe(false);
      expect(watch.screen.text().join('\n')).toMatch(/^live {2}\w+ {2}running/m);
      await gate.open();
      expect(await watch.ended).toBe(0);
      await stack.closed(planId);
      const text = watch.screen.everything().join('\n');
      expect(text).toMatch(/^plan \w+ completed$/m);
      expect(text.match(/^live /gm)).toHaveLength(1);
      expect(text.match(/ held /g)).toHaveLength(1);
      expect(watch.screen.isCursorShown).toBe(true);
    },
    TEST_MS,
  );

  it(
    'has colours in a terminal, but not for who does not want them',
    async () => {
      const planId = await submit({ name: 'colours', steps: [{ name: 'one', noop: true }] });
      await stack.closed(planId);
      const coloured = OnTerminal.start(stack.url, ['watch', planId]);
      expect(await coloured.ended).toBe(0);
      // eslint-disable-next-line no-control-regex -- colours are control sequences
      expect(coloured.stdout).toMatch(/\u001b\[\d+m/);
      const plain = OnTerminal.start(stack.url, ['watch', planId], { env: { NO_COLOR: '1' } });
      expect(await plain.ended).toBe(0);
      // eslint-disable-next-line no-control-regex -- colours are control sequences
      expect(plain.stdout).not.toMatch(/\u001b\[\d+m/);
      expect(plain.screen.everything().join('\n')).toContain('completed');
    },
    TEST_MS,
  );

  it(
    'keeps to the size of the terminal, also when that changes',
    async () => {
      const gate = aGate();
      const planId = await submit({
        name: 'many',
        steps: [
          {
            name: 'held',
            matrix: Array.from({ length: 24 }, (_, i) => `a rather long value ${i}`),
            run: gate.wait,
          },
        ],
      });
      const watch = OnTerminal.start(stack.url, ['watch', planId], { columns: 70, rows: 14 });
      await watch.shows(/0\/24 +held/);
      await watch.shows(/s\d+ +running +held\[a rather long/);
      expect(watch.screen.scrollback).toEqual([]);
      const before = watch.stdout.length;
      await watch.resize(40, 8);
      await eventually(() => watch.stdout.length > before);
      const drawn = await eventually(() => watch.stdout.slice(before).split('\u001b[J').at(-1)?.split('\n'));
      expect(drawn.length).toBeLessThanOrEqual(8);
      await gate.open();
      expect(await watch.ended).toBe(0);
    },
    TEST_MS,
  );

  it(
    'leaves the terminal clean at Ctrl-C, says how to come back, and lets the plan go on',
    async () => {
      const gate = aGate();
      const planId = await submit({ name: 'left-alone', steps: [{ name: 'held', run: gate.wait }] });
      const watch = OnTerminal.start(stack.url, ['watch', planId]);
      await watch.shows(/running +held/);
      watch.type('\u0003');
      expect(await watch.ended).toBe(130);
      expect(watch.screen.isCursorShown).toBe(true);
      const lines = watch.screen.text().filter((line) => line !== '');
      expect(lines.at(-1)).toBe(`stopped watching; the plan goes on. Come back with: skein watch ${planId}`);
      await gate.open();
      expect(await stack.closed(planId)).toMatchObject({ status: 'completed' });
    },
    TEST_MS,
  );

  it(
    'prints one line per change without a terminal, and ends with 2 when the plan does not complete',
    async () => {
      const gate = aGate();
      const planId = await submit({
        name: 'lines',
        steps: [
          { name: 'good', run: gate.wait },
          { name: 'bad', needs: ['good'], attempts: 2, run: 'echo no >&2; exit 3' },
          { name: 'never', needs: ['bad'], noop: true },
        ],
      });
      await untilStreams(0);
      const watch = Running.piped(stack.url, ['watch', planId]);
      // What was before it came is no change.
      await untilStreams(1);
      await gate.open();
      expect(await watch.ended).toBe(2);
      const changes = watch.lines.slice(
        0,
        watch.lines.findIndex((line) => line.startsWith('plan ')),
      );
      for (const line of changes) expect(line).toMatch(LINE);
      expect(new Set(changes).size).toBe(changes.length);
      expect(changes.length).toBeGreaterThan(3);
      const text = watch.stdout;
      expect(text).toMatch(/blocked +bad {2}\(2 attempts, .*\)$/m);
      expect(text).toMatch(/^plan \w+ halted$/m);
      // eslint-disable-next-line no-control-regex -- colours are control sequences
      expect(text).not.toMatch(/\u001b/);
    },
    TEST_MS,
  );

  it(
    'has a progress.md whose links lead to what they say',
    async () => {
      const planId = await submit({
        name: 'reported',
        steps: [
          { name: 'bad', attempts: 2, run: 'echo no > new.txt', verify: ['echo "the checks say no"; false'] },
        ],
      });
      await stack.closed(planId);
      const { stdout } = await skein(['progress', planId], { url: stack.url });
      expect(stdout).toContain('# Plan `reported`\n\n**Halted** ');
      expect(stdout).toContain('## Needs a person\n\n- **blocked** `bad` (s1): ');
      const links = [...stdout.matchAll(/\[([^\]]+)\]\((http[^)]+)\)/g)].map(
        ([, name, url]) => [name!, url!] as const,
      );
      expect(links.map(([name]) => name)).toEqual(['log', 'diff', 'all attempts', 'steps', 'ledger']);
      const [log, diff, ...rest] = await Promise.all(
        links.map(async ([, url]) => {
          const response = await fetch(url);
          return `${response.status} ${await response.text()}`;
        }),
      );
      expect(log).toMatch(/^200 [^]*the checks say no/);
      expect(diff).toMatch(/^200 [^]*\+no/);
      for (const page of rest) expect(page).toMatch(/^200 \{/);
    },
    TEST_MS,
  );

  it(
    'leaves a progress.md on the branch that its plan asked for, without links that lead nowhere from there',
    async () => {
      const planId = await submit({
        name: 'committed',
        progress: { branch: 'watched/progress' },
        steps: [{ name: 'one', run: 'echo 1 > one.txt' }],
      });
      await stack.closed(planId);
      const page = await git.bareGit('show', 'watched/progress:progress.md');
      expect(page).toContain('# Plan `committed`\n\n**Completed** ');
      expect(page).toContain('- 1 step changed files; nothing is merged yet.');
      expect(page).not.toMatch(/\]\(|http/);
    },
    TEST_MS,
  );

  it(
    'says why nothing goes on when nothing does',
    async () => {
      const planId = await submit({
        name: 'nobody',
        steps: [{ name: 'one', pool: 'nobody-serves', noop: true }],
      });
      const watch = Running.piped(stack.url, ['watch', planId]);
      await watch.prints(/waiting +one {2}\(no worker serves pool "nobody-serves": start one/);
      await skein(['cancel', planId, '--why', 'enough'], { url: stack.url });
      expect(await watch.ended).toBe(2);
      expect(watch.stdout).toMatch(/cancelled nobody {2}\(cancelled by \S+: enough\)/);
    },
    TEST_MS,
  );

  it(
    'tells every event of the plan as JSON, one to a line, also when it comes late',
    async () => {
      const planId = await submit({ name: 'told', steps: [{ name: 'one', run: 'true' }] });
      await stack.closed(planId);
      const { code, stdout } = await skein(['watch', planId, '--json'], { url: stack.url });
      expect(code).toBe(0);
      const told = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const ledger = await stack.ledger(planId);
      const upToEnd = ledger.slice(0, ledger.findIndex(({ type }) => type === 'plan.completed') + 1);
      expect(told).toEqual(upToEnd.map(({ seq, at, type, data }) => ({ planId, seq, at, type, data })));
    },
    TEST_MS,
  );

  it(
    'goes on when the coordinator was killed in the middle, says so, and misses and repeats nothing',
    async () => {
      const gate = aGate();
      const planId = await submit({
        name: 'survives',
        steps: [
          { name: 'before', run: 'true' },
          { name: 'held', needs: ['before'], run: gate.wait },
          { name: 'after', needs: ['held'], run: 'true' },
        ],
      });
      const lines = Running.piped(stack.url, ['watch', planId]);
      const events = Running.piped(stack.url, ['watch', planId, '--json']);
      const live = OnTerminal.start(stack.url, ['watch', planId]);
      await Promise.all([
        lines.prints(/running +(held|survives)/),
        live.shows(/running +held/),
        events.prints(/lease.granted/),
      ]);
      for (const pid of await stack.processes('apps/coordinator')) kill(pid, 'SIGKILL');
      await Promise.all([
        lines.prints(/lost the server: .*; trying again/),
        live.shows(/lost the server: .*; trying again/),
      ]);
      await Promise.all([lines.prints(/the server is back/), live.shows(/the server is back/)]);
      await gate.open();
      expect(await Promise.all([lines.ended, events.ended, live.ended])).toEqual([0, 0, 0]);
      for (const name of ['held', 'after']) {
        expect(lines.stdout.match(new RegExp(`passed +${name}\\b`, 'g'))).toHaveLength(1);
      }
      expect(lines.stderr.match(/trying again/g)).toHaveLength(1);
      const seqs = events.lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
      expect(seqs).toEqual(seqs.map((_, i) => i + 1));
      expect(
        live.screen
          .everything()
          .join('\n')
          .match(/ held /g),
      ).toHaveLength(1);
    },
    TEST_MS,
  );

  it(
    'follows the log of a step while it runs, over its attempts',
    async () => {
      const gate = aGate();
      const planId = await submit({
        name: 'logged',
        steps: [
          {
            name: 'talks',
            attempts: 2,
            run: [`echo "working on it"; ${gate.wait}; echo 'done \u001b[31m変換'`],
            verify: [`test -e '${gate.path}.second' || { touch '${gate.path}.second'; false; }`],
          },
        ],
      });
      const piped = Running.piped(stack.url, ['watch', planId, '--follow', 'talks']);
      const live = OnTerminal.start(stack.url, ['watch', planId, '-f', 's1']);
      const json = Running.piped(stack.url, ['watch', planId, '--json', '-f', 'talks']);
      // Before the attempt has ended: the gate is shut.
      await Promise.all([
        piped.prints(/^ {2}│ working on it$/m),
        live.shows(/^ {2}│ working on it$/),
        json.prints(/"type":"log".*"line":"working on it"/),
      ]);
      expect((await stack.steps(planId)).find(({ name }) => name === 'talks')).toMatchObject({
        state: 'running',
        attempts: 0,
      });
      await gate.open();
      expect(await Promise.all([piped.ended, live.ended, json.ended])).toEqual([0, 0, 0]);
      for (const text of [piped.stdout, live.screen.everything().join('\n')]) {
        expect(text).toMatch(/talks, attempt 1 of 2\n/);
        expect(text).toMatch(/talks, attempt 2 of 2\n/);
        expect(text.match(/│ working on it$/gm)).toHaveLength(2);
        expect(text).toContain('│ done \\x1b[31m変換');
      }
      expect(json.lines.filter((line) => line.includes('"attempt":2,"line":"working on it"'))).toHaveLength(
        1,
      );
    },
    TEST_MS,
  );

  it(
    'refuses to follow a step that is not in the plan, and a plan that is not there',
    async () => {
      const planId = await submit({ name: 'short', steps: [{ name: 'one', noop: true }] });
      const wrong = await skein(['watch', planId, '-f', 'two'], { url: stack.url });
      expect(wrong).toMatchObject({ code: 1, stdout: '' });
      expect(wrong.stderr).toContain('the plan has no step two');
      const unknown = await skein(['watch', 'nosuchplan0000'], { url: stack.url });
      expect(unknown).toMatchObject({ code: 1, stdout: '' });
      const nobody = await skein(['watch', planId], { url: 'http://127.0.0.1:9' });
      expect(nobody.code).toBe(1);
      expect(nobody.stderr).toContain('cannot reach http://127.0.0.1:9');
    },
    TEST_MS,
  );

  it(
    'finds plans by what they are, pages through all of them, and shows one in the same style',
    async () => {
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        const labels = { batch: 'seven', even: String(i % 2 === 0) };
        ids.push(await submit({ name: `listed-${i}`, labels, steps: [{ name: 'one', noop: true }] }));
      }
      for (const planId of ids) await stack.closed(planId);
      const listed = async (...args: string[]) => {
        const { code, stdout } = await skein(['plans', '--json', ...args], { url: stack.url });
        expect(code).toBe(0);
        return stdout === ''
          ? []
          : stdout
              .trimEnd()
              .split('\n')
              .map((line) => (JSON.parse(line) as { planId: string }).planId);
      };
      const newest = ids.toReversed();
      expect(await listed('--label', 'batch=seven', '--all')).toEqual(newest);
      expect(await listed('--label', 'batch=seven', '--limit', '3')).toEqual(newest.slice(0, 3));
      expect(await listed('--label', 'batch', '--label', 'even=true')).toEqual(
        newest.filter((_, i) => i % 2 === 0),
      );
      expect(await listed('--name', 'listed-3')).toEqual([ids[3]]);
      expect(await listed('--name', 'listed-', '--status', 'halted')).toEqual([]);
      expect(await listed('--name', 'listed-', '--age', '1h', '--tenant', 'local')).toHaveLength(7);
      expect(await listed('--name', 'listed-', '--age', '>1h')).toEqual([]);
      const wrong = await skein(['plans', '--status', 'lost'], { url: stack.url });
      expect(wrong.code).toBe(1);
      expect(wrong.stderr).toContain('must be one of running, completed');
      const table = OnTerminal.start(stack.url, ['plans', '--label', 'batch', '--limit', '2'], {
        columns: 110,
      });
      expect(await table.ended).toBe(0);
      const rows = table.screen.text();
      expect(rows[0]).toMatch(/^plan +status +done +submitted +took +name$/);
      expect(rows[1]).toMatch(new RegExp(`^${ids[6]} +completed +\\d+/\\d+ +\\S+ +.* listed-6  batch=`));
      expect(rows).toContain('there are more: --limit, or --all');
      const status = await skein(['status', ids[0]!], { url: stack.url });
      expect(status.stdout).toMatch(/^listed-0 {2}\w+ {2}completed[^]*done\n[^]*s1 +passed +one/);
    },
    TEST_MS,
  );
});

describe('a plan of ten thousand steps', () => {
  it(
    'is watched at next to no cost',
    async () => {
      const stack = await Stack.up({ dataDir: await freshDataDir(), slots: 64 });
      try {
        const values = Array.from({ length: 10_000 }, (_, i) => `${i}`);
        const planId = await stack.submit(
          JSON.stringify({ version: 1, name: 'large', steps: [{ name: 'fan', matrix: values, noop: true }] }),
        );
        const watch = OnTerminal.start(stack.url, ['watch', planId], { rows: 20 });
        const pid = await eventually(async () => (await processesOf(planId, 'main.js'))[0]);
        let ticks = 0;
        const sampling = setInterval(() => {
          readFile(`/proc/${pid}/stat`, 'utf8')
            .then((stat) => {
              const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
              ticks = Math.max(ticks, Number(fields[11]) + Number(fields[12]));
            })
            .catch(() => undefined);
        }, 50);
        const code = await watch.ended;
        clearInterval(sampling);
        expect(code).toBe(0);
        expect(watch.screen.everything().join('\n')).toContain('10000 of 10000 done');
        // Forty thousand events, a hundredth of a second each tick: 5 s would be a tenth of a millisecond an event.
        expect(ticks / 100).toBeLessThan(5);
      } finally {
        await stack.stop();
      }
    },
    TEST_MS,
  );
});
