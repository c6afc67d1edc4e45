import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jest } from '@jest/globals';
import { type RunLimits, Sandbox, detectSandbox, removeTree } from '#sandbox';
import { silentLogger } from '#telemetry';
import { runCodemod } from './codemod/run-codemod.ts';
import { CommandAdapter } from './command-adapter.ts';

jest.setTimeout(60_000);

const PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
const MB = 1024 * 1024;
const LIMITS: RunLimits = {
  wallMs: 60_000,
  idleMs: 60_000,
  outputBytes: 10 * MB,
  memoryBytes: 2_048 * MB,
  diskBytes: 200 * MB,
  processes: 100,
};
const never = new AbortController().signal;

const detected = await detectSandbox({ path: PATH, log: silentLogger });
const kinds = detected.trials.filter((trial) => trial.works).map((trial) => trial.kind);

let dir: string;
let worktree: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'skein-agents-'));
  worktree = join(dir, 'worktree');
  mkdirSync(worktree);
});
afterEach(() => removeTree(dir));

const read = (file: string) => readFileSync(join(worktree, file), 'utf8');
const write = (file: string, content: string | Buffer) => {
  mkdirSync(dirname(join(worktree, file)), { recursive: true });
  writeFileSync(join(worktree, file), content);
};

describe.each(kinds)('in the sandbox "%s"', (kind) => {
  const sandbox = () =>
    new Sandbox({
      kind,
      log: silentLogger,
      readable: [],
      extraWritable: [],
      path: PATH,
      scratchRoot: join(dir, 'scratch'),
    });

  describe('an agent that is a command', () => {
    const run = (command: string, feedback: string | null) => {
      const promptFile = join(dir, 'prompt.md');
      const feedbackFile = join(dir, 'feedback.md');
      writeFileSync(promptFile, 'make it work');
      if (feedback !== null) writeFileSync(feedbackFile, feedback);
      return new CommandAdapter(command).run(
        {
          ...{ worktree, promptFile, feedbackFile: feedback === null ? null : feedbackFile },
          ...{
            env: { EXTRA: 'yes' },
            sandbox: sandbox(),
            limits: LIMITS,
            network: false,
            readable: [],
            writable: [],
          },
        },
        never,
      );
    };
    const command =
      'cat "$SKEIN_PROMPT" > answer; if [ -n "$SKEIN_FEEDBACK" ]; then cat "$SKEIN_FEEDBACK" >> answer; fi; echo "$EXTRA"';

    it('edits the worktree by its prompt, and later by its feedback', async () => {
      const first = await run(command, null);
      expect(first).toMatchObject({ ok: true, summary: 'the agent command ended with exit code 0' });
      expect(read('answer')).toBe('make it work');
      expect(first.run.output).toBe('yes\n');
      await run(command, '; the tests fail');
      expect(read('answer')).toBe('make it work; the tests fail');
    });

    it('is believed neither more nor less than its exit code', async () => {
      const report = await run('echo thinking; exit 7', null);
      expect(report).toMatchObject({ ok: false, summary: 'the agent command: ended with exit code 7' });
    });
  });

  describe('a codemod', () => {
    const codemod = (files: string[], rules: string, limits: Partial<RunLimits> = {}) =>
      runCodemod(
        {
          sandbox: sandbox(),
          worktree,
          rules,
          language: 'JavaScript',
          files,
          limits: { ...LIMITS, ...limits },
          maxFileBytes: 1_000,
        },
        never,
      );
    const RULES = `{ id: rename, rule: { pattern: 'old($$$A)' }, fix: 'fresh($$$A)' }`;

    it('rewrites the files it is given and tells what it did with each', async () => {
      write('src/a.js', 'old(1, old(2));\n');
      write('src/b.js', 'other();\n');
      write('src/not-asked.js', 'old();\n');
      write('broken.js', 'old(;\n');
      write('binary.js', Buffer.from([0x61, 0, 0x62]));
      write('latin1.js', Buffer.from([0x61, 0xe9, 0x62]));
      write('big.js', `old();${' '.repeat(2_000)}`);
      write("odd name; $(touch evil) 'é.js", 'old()');
      mkdirSync(join(worktree, 'folder.js'));
      writeFileSync(join(dir, 'outside.js'), 'old()');
      symlinkSync(join(dir, 'outside.js'), join(worktree, 'link.js'));
      symlinkSync(dir, join(worktree, 'up'));
      chmodSync(join(worktree, 'src/a.js'), 0o755);
      const files = [
        'src/b.js',
        'src/a.js',
        'broken.js',
        'binary.js',
        'latin1.js',
        'big.js',
        'folder.js',
        'link.js',
      ];
      const odd = "odd name; $(touch evil) 'é.js";
      const result = await codemod(
        [...files, odd, 'up/outside.js', '../outside.js', 'gone.js', '.git/config', 'src/a.js'],
        RULES,
      );
      expect(result).toMatchObject({
        status: 'done',
        report: {
          changed: [odd, 'src/a.js'],
          unparsable: [
            { file: 'broken.js', message: expect.stringMatching(/^"\)" is missing at line 1, column 5$/) },
          ],
          matches: 3,
        },
      });
      const skipped = result.status === 'done' ? result.report.skipped : [];
      expect(Object.fromEntries(skipped.map(({ file, message }) => [file, message]))).toEqual({
        '../outside.js': 'not a path of the worktree',
        '.git/config': 'belongs to git',
        'big.js': 'larger than 1000 bytes',
        'binary.js': 'not a text file',
        'folder.js': 'not a file',
        'gone.js': 'not there',
        'latin1.js': 'not UTF-8',
        'link.js': 'a symlink',
        'up/outside.js': kind === 'bubblewrap' ? 'not there' : 'behind a symlink that leaves the worktree',
      });
      expect(read('src/a.js')).toBe('fresh(1, fresh(2));\n');
      expect(statSync(join(worktree, 'src/a.js')).mode & 0o777).toBe(0o755);
      expect(read('src/not-asked.js')).toBe('old();\n');
      expect(readFileSync(join(dir, 'outside.js'), 'utf8')).toBe('old()');
    });

    it('touches nothing when a rule is wrong, and says which', async () => {
      write('a.js', 'old()');
      const result = await codemod(['a.js'], `${RULES}\n---\n{ rule: { kind: nope }, fix: x }`);
      expect(result).toMatchObject({ status: 'rule-error', document: 2 });
      expect(result.status === 'rule-error' && result.message).toMatch(/Kind `nope` is invalid/);
      expect(read('a.js')).toBe('old()');
    });

    it('does a thousand files in one go', async () => {
      const files = Array.from({ length: 1_000 }, (_, i) => `src/with/a/rather/long/path/module-${i}.js`);
      for (const file of files) write(file, 'old(1);\n');
      const result = await codemod(files, RULES);
      expect(result).toMatchObject({
        status: 'done',
        report: { matches: 1_000, unparsable: [], skipped: [] },
      });
      expect(result.status === 'done' && result.report.changed).toHaveLength(1_000);
    });

    it('is stopped like any other program', async () => {
      write('a.js', 'old()');
      const result = await codemod(['a.js'], RULES, { wallMs: 1 });
      expect(result).toMatchObject({ status: 'stopped', message: 'not done after 1 ms: stopped' });
    });
  });
});
