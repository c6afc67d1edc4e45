import type { Survey } from '../survey.ts';
import type { Toolchain } from './toolchain.ts';

/** Where packages are installed: a step's HOME lasts as long as its lease, and is no part of the worktree. */
const VENV = '"$HOME/venv"';

/** Python: uv and poetry by their lock files, tox by its own, else pytest or unittest in an environment of its own. */
export async function pythonToolchain(survey: Survey): Promise<Toolchain> {
  const { files } = survey;
  const project = (await survey.read('pyproject.toml')) ?? '';
  const setupCfg = (await survey.read('setup.cfg')) ?? '';
  const shared = { name: 'Python', sources: ['**/*.py'], comment: '#', codemod: null, hints: [] } as const;
  const make = (
    name: string,
    more: Pick<Toolchain, 'setup' | 'verify' | 'because' | 'programs' | 'network'>,
  ) => ({
    ...shared,
    sources: [...shared.sources],
    hints: [],
    env: {},
    name: `Python (${name})`,
    ...more,
  });
  const runner = await testRunner(survey, project, setupCfg);
  const test = runner === 'unittest' ? 'python -m unittest discover' : 'pytest';
  if (files.has('uv.lock'))
    return make('uv', {
      ...{
        setup: ['uv sync --frozen'],
        verify: [`uv run --no-sync ${test}`],
        network: true,
        programs: ['uv'],
      },
      because: 'uv.lock',
    });
  if (files.has('poetry.lock'))
    return make('poetry', {
      ...{ setup: ['poetry install --no-interaction'], verify: [`poetry run ${test}`], network: true },
      ...{ programs: ['poetry'], because: 'poetry.lock' },
    });
  if (files.has('tox.ini') || /^\[tool\.tox[\].]/m.test(project) || /^\[tox:tox\]/m.test(setupCfg))
    return make('tox', {
      ...{ setup: [], verify: ['tox'], network: true, programs: ['tox'] },
      because: 'the settings of tox; it makes its environments itself, so the checks get the network',
    });
  if (runner === null)
    return make('no tests', {
      ...{ setup: [], verify: [], network: false, programs: [] },
      because: 'no tests were found; put your checks here',
    });
  return make(runner, plain(survey, project, runner));
}

function plain(
  { files }: Survey,
  project: string,
  runner: 'pytest' | 'unittest',
): Pick<Toolchain, 'setup' | 'verify' | 'because' | 'programs' | 'network'> {
  const wanted: string[] = [];
  if (/^\[(project|build-system)\]/m.test(project) || files.has('setup.py')) wanted.push('--editable .');
  for (const name of [
    'requirements.txt',
    'requirements-dev.txt',
    'dev-requirements.txt',
    'test-requirements.txt',
  ])
    if (files.has(name)) wanted.push(`--requirement ${name}`);
  const because = `${runner === 'pytest' ? 'pytest' : 'unittest'}, as the test files look`;
  if (wanted.length === 0 && runner === 'unittest')
    return {
      setup: [],
      verify: ['python3 -m unittest discover'],
      network: false,
      because,
      programs: ['python3'],
    };
  const install = runner === 'pytest' ? ['pytest', ...wanted] : wanted;
  const inVenv = (command: string) => `${VENV}/bin/python -m ${command}`;
  return {
    setup: [`python3 -m venv ${VENV}`, inVenv(`pip install --quiet ${install.join(' ')}`)],
    verify: [inVenv(runner === 'pytest' ? 'pytest' : 'unittest discover')],
    network: true,
    because,
    programs: ['python3'],
  };
}

async function testRunner(
  survey: Survey,
  project: string,
  setupCfg: string,
): Promise<'pytest' | 'unittest' | null> {
  const { files } = survey;
  const names = [...files];
  const configured =
    files.has('pytest.ini') ||
    names.some((path) => /(^|\/)conftest\.py$/.test(path)) ||
    /\bpytest\b/.test(project) ||
    /^\[tool:pytest\]/m.test(setupCfg);
  if (configured) return 'pytest';
  const requirements = names.filter((path) => /^[\w-]*requirements[\w-]*\.txt$/.test(path)).slice(0, 5);
  for (const path of requirements) if (/^pytest\b/m.test((await survey.read(path)) ?? '')) return 'pytest';
  const tests = names.filter((path) => /(^|\/)(test_[^/]*|[^/]*_test)\.py$/.test(path)).slice(0, 20);
  if (tests.length === 0) return null;
  for (const path of tests)
    if (/^\s*(import|from)\s+pytest\b/m.test((await survey.read(path)) ?? '')) return 'pytest';
  return 'unittest';
}
