import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OwnMachine, PACKAGE } from './own-machine.ts';

const SKEIN = join(PACKAGE, 'bin/skein');

/** The README's own plan, as it stands there. */
async function planOfReadme(): Promise<string> {
  const readme = await readFile(join(PACKAGE, 'README.md'), 'utf8');
  const [, plan] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
  if (plan === undefined) throw new Error('README.md has no plan');
  return plan;
}

/** A working clone as people have it: with a checked out branch, and with changes of their own. */
async function aWorkingRepository(folder: string): Promise<(...args: string[]) => string> {
  await mkdir(join(folder, 'docs'), { recursive: true });
  const git = (...args: string[]) => {
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b.example', '-c', 'init.defaultBranch=main'];
    const env = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', [...identity, ...args], { cwd: folder, env, encoding: 'utf8' });
  };
  git('init', '--quiet');
  await writeFile(join(folder, 'README.md'), '# Title  \n\ntext\n');
  await writeFile(join(folder, 'docs/a b.md'), 'one\t\ntwo\n');
  await writeFile(join(folder, 'code.txt'), 'left alone  \n');
  git('add', '.');
  git('commit', '--quiet', '--message', 'Begin');
  await writeFile(join(folder, 'code.txt'), 'being worked on\n');
  return git;
}

describe('the first plan of the README', () => {
  it('does what it says, on a repository that somebody works in', async () => {
    const machine = await OwnMachine.make();
    const folder = join(machine.root, 'repository');
    const git = await aWorkingRepository(folder);
    await writeFile(join(folder, 'plan.yaml'), await planOfReadme());
    const stack = machine.start(SKEIN, ['up', '--port', '0', '--data-dir', join(machine.root, 'data')]);
    const [, url] = await stack.prints(/^ready (http:\S+)$/m);
    const env = { SKEIN_URL: url! };
    expect((await machine.start(SKEIN, ['plan', 'validate', 'plan.yaml'], { cwd: folder }).ended).code).toBe(
      0,
    );
    const submitted = await machine.start(SKEIN, ['submit', 'plan.yaml', '--watch'], { cwd: folder, env })
      .ended;
    expect(submitted.output).toMatch(/completed/);
    expect(submitted.code).toBe(0);
    expect(git('show', 'skein/trailing-blanks:README.md')).toBe('# Title\n\ntext\n');
    expect(git('show', 'skein/trailing-blanks:docs/a b.md')).toBe('one\ntwo\n');
    expect(git('show', 'skein/trailing-blanks:code.txt')).toBe('left alone  \n');
    expect(git('status', '--short')).toBe(' M code.txt\n?? plan.yaml\n');
    const [, planId] = /plan (\w+) completed/.exec(submitted.output) ?? [];
    for (const args of [
      ['status', planId!],
      ['log', planId!, 'trim[1/1]'],
      ['diff', planId!],
      ['progress', planId!],
      ['plans'],
    ]) {
      const { code, output } = await machine.start(SKEIN, args, { env }).ended;
      expect({ args, code, isEmpty: output.trim() === '' }).toEqual({ args, code: 0, isEmpty: false });
    }
    const verified = await machine.start(SKEIN, ['ledger', 'verify', planId!], { env }).ended;
    expect(verified.output).toMatch(/anchored at seq \d+ by commit [0-9a-f]{12} of skein\/trailing-blanks/);
    stack.child.kill('SIGTERM');
    expect((await stack.ended).code).toBe(0);
    await machine.expectNothingLeft();
  }, 240_000);
});
