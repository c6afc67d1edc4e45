import { spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tempDir } from '#testing';
import { demoAgentFolder, demoService } from './demo-plan.ts';

const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };

describe("the demo's scripted agent", () => {
  it('starts on a service whose tests pass', async () => {
    expect((await aWorktree()).check().passed).toBe(true);
  });

  it('makes a plausible mistake at first, which one test finds', async () => {
    const worktree = await aWorktree();
    worktree.runAgent(null);
    const checked = worktree.check();
    expect(checked.passed).toBe(false);
    expect(checked.output).toContain('a depot that was torn down counts as empty');
    expect(checked.output).toMatch(/fail 1\b/);
  });

  it('makes the same mistake again when it is not told of it', async () => {
    const worktree = await aWorktree();
    worktree.runAgent(null);
    worktree.runAgent(null);
    expect(worktree.check().passed).toBe(false);
  });

  it('learns nothing from a feedback file that does not name the failing test', async () => {
    const worktree = await aWorktree();
    worktree.runAgent(null);
    worktree.runAgent('# Attempt 1 was rejected\n\nThe check `node --test` exited with 1.\n');
    expect(worktree.check().passed).toBe(false);
  });

  it.each(['spec', 'tap'])('repairs what the feedback file says (%s reporter)', async (reporter) => {
    const worktree = await aWorktree();
    worktree.runAgent(null);
    const said = worktree.runAgent(worktree.check(reporter).output);
    expect(said).toContain('The checks failed: "a depot that was torn down counts as empty"');
    expect(worktree.check().passed).toBe(true);
  });

  it('fails for ever when it ignores its feedback', async () => {
    const worktree = await aWorktree();
    worktree.runAgent(null);
    worktree.runAgent(worktree.check().output, { AGENT_IGNORES_FEEDBACK: '1' });
    expect(worktree.check().passed).toBe(false);
  });
});

async function aWorktree() {
  const folder = await tempDir('agent');
  const tree = join(folder, 'tree');
  const prompt = join(folder, 'prompt.md');
  cpSync(demoService, tree, { recursive: true });
  writeFileSync(prompt, 'Move `src/reports.js` from callbacks to promises.\n');
  return {
    check(reporter = 'spec') {
      // Jest itself runs as a node:test child would: the variable must not leak into the tests.
      const run = spawnSync(process.execPath, ['--test', `--test-reporter=${reporter}`], {
        cwd: tree,
        env,
        encoding: 'utf8',
      });
      return { passed: run.status === 0, output: run.stdout + run.stderr };
    },
    runAgent(feedback: string | null, more: Record<string, string> = {}) {
      const file = join(folder, 'feedback.md');
      if (feedback !== null) writeFileSync(file, feedback);
      const agentEnv = {
        ...env,
        ...more,
        SKEIN_PROMPT: prompt,
        ...(feedback === null ? {} : { SKEIN_FEEDBACK: file }),
      };
      const run = spawnSync(process.execPath, [join(demoAgentFolder, 'agent.mjs')], {
        cwd: tree,
        env: agentEnv,
        encoding: 'utf8',
      });
      expect(run.status).toBe(0);
      return run.stdout;
    },
  };
}
