import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RunSpec } from '../run-spec.ts';
import { launchInBubblewrap } from './bubblewrap.ts';
import { environmentProblem } from './environment.ts';
import { removeTree } from './remove-tree.ts';
import { Scratch } from './scratch.ts';
import { runView, runtimeFolders } from './view.ts';

let dir: string;
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'skein-launching-'))));
afterEach(() => removeTree(dir));

describe('what a program sees', () => {
  it('lays inner folders upon outer ones, and writable upon readable', async () => {
    const [outer, inner] = [join(dir, 'outer'), join(dir, 'outer', 'inner')];
    mkdirSync(inner, { recursive: true });
    const view = await runView({
      readable: [inner, outer],
      writable: [inner],
      hidden: [],
      covered: [],
      path: '/usr/bin',
    });
    expect(view.map((mount) => `${mount.kind} ${mount.at}`)).toEqual([
      `read ${outer}`,
      `read ${inner}`,
      `write ${inner}`,
    ]);
  });

  it('covers the folders of the worker where they would be seen, and lays what is given upon the cover', async () => {
    const [data, worktree] = [join(dir, 'data'), join(dir, 'data', 'lease', 'worktree')];
    mkdirSync(worktree, { recursive: true });
    const covered = [data, join(dir, 'not-there')];
    const view = await runView({ readable: [dir], writable: [worktree], hidden: [], covered, path: '' });
    expect(view.map((mount) => `${mount.kind} ${mount.at}`)).toEqual([
      `read ${dir}`,
      `cover ${data}`,
      `write ${worktree}`,
    ]);
    symlinkSync(dir, `${dir}-link`);
    try {
      const linked = await runView({
        readable: [`${dir}-link`],
        writable: [],
        hidden: [],
        covered,
        path: '',
      });
      expect(linked.map((mount) => mount.at)).toEqual([`${dir}-link`, `${dir}-link/data`]);
    } finally {
      rmSync(`${dir}-link`);
    }
    const unseen = await runView({ readable: [], writable: [worktree], hidden: [], covered, path: '' });
    expect(unseen.map((mount) => mount.kind)).toEqual(['write']);
  });

  it('protects a real .git, and looks through none that is a symlink', async () => {
    const [real, fake] = [join(dir, 'real'), join(dir, 'fake')];
    mkdirSync(real);
    mkdirSync(fake);
    writeFileSync(join(real, '.git'), 'gitdir: x');
    symlinkSync('/etc/shadow', join(fake, '.git'));
    const hidden = [join(fake, '.git'), join(real, 'absent')];
    const view = await runView({ readable: [], writable: [real, fake], hidden, covered: [], path: '' });
    expect(view.map((mount) => `${mount.kind} ${mount.at}`)).toEqual([
      `write ${real}`,
      `write ${fake}`,
      `read ${join(real, '.git')}`,
    ]);
  });

  it('needs the folders of PATH and where node really is, and nothing of the system twice', async () => {
    const [bin, real] = [join(dir, 'bin'), join(dir, 'versions', '24', 'bin')];
    mkdirSync(bin);
    mkdirSync(real, { recursive: true });
    mkdirSync(join(dirname(real), 'lib', 'node_modules'), { recursive: true });
    writeFileSync(join(real, 'node'), '');
    symlinkSync(join(real, 'node'), join(bin, 'node'));
    const folders = await runtimeFolders(`${bin}:/usr/bin:/bin:relative::/not/there`);
    expect(folders).toEqual([bin, real, join(dirname(real), 'lib', 'node_modules')]);
  });
});

describe('starting bubblewrap', () => {
  const spec: RunSpec = {
    ...{
      argv: ['echo', 'hello'],
      cwd: '/usr',
      writable: [],
      readable: [],
      env: { KEY: 'secret', LD_PRELOAD: 'x' },
    },
    ...{ network: false },
    limits: {
      ...{ wallMs: 1, idleMs: 1, outputBytes: 1 },
      ...{ memoryBytes: 1, diskBytes: 10_240, processes: 1 },
    },
  };

  it('shows neither its arguments nor the environment, and lends it none of the plan', async () => {
    const scratch = await Scratch.create(dir);
    const request = {
      ...{ scratch, bwrap: '/bin/false', path: '/usr/bin', lang: 'C' },
      ...{ readable: [], extraWritable: [], covered: [] },
    };
    const launch = await launchInBubblewrap({ spec, ...request });
    expect(launch.args.join(' ')).not.toMatch(/secret|LD_PRELOAD/);
    expect(Object.keys(launch.env)).toEqual(['SKEIN_RUN']);
    const args = readFileSync(launch.argumentsFile!, 'utf8').split('\0');
    expect(args).not.toContain('--share-net');
    expect(args.slice(args.indexOf('KEY') - 1, args.indexOf('KEY') + 2)).toEqual([
      '--setenv',
      'KEY',
      'secret',
    ]);
    const networked = await launchInBubblewrap({ spec: { ...spec, network: true }, ...request });
    expect(readFileSync(networked.argumentsFile!, 'utf8').split('\0')).toContain('--share-net');
  });
});

describe('the scratch folder of a run', () => {
  it('of a dead worker is swept, of a living one is kept', async () => {
    const own = await Scratch.create(dir);
    mkdirSync(join(dir, 'run-4194000-17-abcdef', 'tmp'), { recursive: true });
    mkdirSync(join(dir, `run-${process.ppid}-1-abcdef`));
    mkdirSync(join(dir, 'somebody-elses'));
    await Scratch.sweep(dir);
    expect((await readdir(dir)).sort()).toEqual([own.dir.slice(dir.length + 1), 'somebody-elses'].sort());
    await own.remove();
    await Scratch.sweep(join(dir, 'not-there'));
  });
});

it('refuses variables that are none', () => {
  expect(environmentProblem({ A: 'x', _b1: '' })).toBeNull();
  expect(environmentProblem({ '1A': 'x' })).toMatch(/no name/);
  expect(environmentProblem({ 'A=B': 'x' })).toMatch(/no name/);
  expect(environmentProblem({ A: 'x\0' })).toMatch(/NUL/);
  expect(environmentProblem({ SKEIN_RUN: 'x' })).toMatch(/own variable/);
  expect(environmentProblem({ A: 'x'.repeat(200_000) })).toMatch(/longer/);
});
