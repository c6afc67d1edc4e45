import { isIgnored } from '../ignoring.ts';
import type { Survey } from '../survey.ts';
import type { Toolchain } from './toolchain.ts';

interface Manifest {
  scripts: Record<string, unknown>;
  /** What is installed for developing. */
  tools: Set<string>;
  hasDependencies: boolean;
  packageManager: string;
}

interface PackageManager {
  program: string;
  /** null: nothing to install. */
  install: string | null;
  test: string;
}

/** JavaScript or TypeScript: the package manager by its lock file, the test script of package.json. */
export async function javascriptToolchain(survey: Survey, typed: boolean): Promise<Toolchain> {
  const manifest = readManifest(await survey.read('package.json'));
  const manager = await packageManager(survey, manifest);
  const tested = hasTests(manifest);
  const hooks = hookInstaller(manifest);
  const install =
    manager.install === null ? null : `${manager.install}${hooks === null ? '' : ' --ignore-scripts'}`;
  const installed = tested && install !== null ? [install] : [];
  const kept = isIgnored(await survey.read('.gitignore'), 'node_modules');
  return {
    name: `${typed ? 'TypeScript' : 'JavaScript'} (${manager.program})`,
    sources: typed ? ['**/*.{ts,mts,cts,tsx}'] : ['**/*.{js,mjs,cjs,jsx}'],
    comment: '//',
    codemod: typed ? 'TypeScript' : 'JavaScript',
    setup: kept ? installed : [],
    // Without a rule of .gitignore the packages would be put back after a set-up.
    verify: tested ? [...(kept ? [] : installed), manager.test] : [],
    // Tools that would ask, watch or write git hooks do not when they know that nobody is there.
    env: tested ? { CI: 'true', ...(manifest.tools.has('husky') ? { HUSKY: '0' } : {}) } : {},
    network: installed.length > 0,
    because: tested
      ? 'the `test` script of package.json'
      : 'package.json has no `test` script; put your checks here',
    hints: installed.length > 0 ? hintsOf(kept, hooks) : [],
    programs: tested ? ['node', manager.program] : [],
  };
}

function hintsOf(kept: boolean, hooks: string | null): string[] {
  const hints: string[] = [];
  if (!kept)
    hints.push(
      'node_modules is not in .gitignore: what a set-up installs would be put back, so the plan installs anew for each check',
    );
  if (hooks !== null)
    hints.push(
      `${hooks} writes git hooks when it is installed, which a worktree of a step refuses: install scripts are off, for all packages`,
    );
  return hints;
}

/** Packages that fail to install where they cannot write git hooks, whatever the environment says. */
const HOOK_INSTALLERS = [
  'pre-commit',
  'pre-push',
  'ghooks',
  'git-hooks',
  'simple-git-hooks',
  'git-pre-commit',
];

function hookInstaller({ tools }: Manifest): string | null {
  return HOOK_INSTALLERS.find((name) => tools.has(name)) ?? null;
}

function readManifest(text: string | null): Manifest {
  const fields = parseFields(text);
  const count = ['dependencies', 'devDependencies', 'optionalDependencies', 'workspaces'].filter((key) => {
    const value = fields[key];
    return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  });
  const { scripts, devDependencies, packageManager: manager } = fields;
  const tools =
    typeof devDependencies === 'object' && devDependencies !== null ? Object.keys(devDependencies) : [];
  return {
    scripts: typeof scripts === 'object' && scripts !== null ? (scripts as Record<string, unknown>) : {},
    tools: new Set(tools),
    hasDependencies: count.length > 0,
    packageManager: typeof manager === 'string' ? manager : '',
  };
}

function parseFields(text: string | null): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What `npm init` writes is no test. */
function hasTests({ scripts }: Manifest): boolean {
  const test = scripts['test'];
  return typeof test === 'string' && test.trim() !== '' && !/no test specified/i.test(test);
}

async function packageManager(survey: Survey, manifest: Manifest): Promise<PackageManager> {
  const { files } = survey;
  const named = /^(npm|pnpm|yarn|bun)@(\d{1,4})\b/.exec(manifest.packageManager);
  if (files.has('pnpm-lock.yaml'))
    return { program: 'pnpm', install: 'pnpm install --frozen-lockfile', test: 'pnpm test' };
  if (files.has('yarn.lock')) {
    const classic = !files.has('.yarnrc.yml') && Number(named?.[1] === 'yarn' ? named[2] : 1) < 2;
    const frozen = classic ? '--frozen-lockfile' : '--immutable';
    return { program: 'yarn', install: `yarn install ${frozen}`, test: 'yarn test' };
  }
  if (files.has('bun.lock') || files.has('bun.lockb'))
    return { program: 'bun', install: 'bun install --frozen-lockfile', test: 'bun run test' };
  const locked = files.has('package-lock.json') || files.has('npm-shrinkwrap.json');
  const install = locked ? 'npm ci' : manifest.hasDependencies ? 'npm install --no-package-lock' : null;
  return { program: 'npm', install, test: 'npm test' };
}
