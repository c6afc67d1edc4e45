import type { Survey } from '../survey.ts';
import { goToolchain, javaToolchain, rustToolchain } from './compiled.ts';
import { javascriptToolchain } from './javascript.ts';
import { pythonToolchain } from './python.ts';
import type { Toolchain } from './toolchain.ts';

interface Language {
  /** Languages that are built and tested together. */
  family?: string;
  ends: string[];
  /** One of them at the root says that the repository is built in this language. */
  manifests: string[];
  toolchain: (survey: Survey) => Promise<Toolchain>;
}

const LANGUAGES: Record<string, Language> = {
  JavaScript: {
    family: 'node',
    ends: ['.js', '.mjs', '.cjs', '.jsx'],
    manifests: ['package.json'],
    toolchain: (survey) => javascriptToolchain(survey, false),
  },
  TypeScript: {
    family: 'node',
    ends: ['.ts', '.mts', '.cts', '.tsx'],
    manifests: ['package.json', 'tsconfig.json'],
    toolchain: (survey) => javascriptToolchain(survey, true),
  },
  Python: {
    ends: ['.py'],
    manifests: ['pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt', 'tox.ini'],
    toolchain: pythonToolchain,
  },
  Go: { ends: ['.go'], manifests: ['go.mod'], toolchain: goToolchain },
  Rust: { ends: ['.rs'], manifests: ['Cargo.toml'], toolchain: rustToolchain },
  Java: {
    ends: ['.java'],
    manifests: ['pom.xml', 'build.gradle', 'build.gradle.kts'],
    toolchain: javaToolchain,
  },
};

const NEUTRAL: Toolchain = {
  name: 'no language that is known here',
  sources: ['**/*'],
  comment: null,
  codemod: null,
  setup: [],
  verify: [],
  env: {},
  network: false,
  because: 'no build or test settings were found; put your checks here',
  hints: [],
  programs: [],
};

/** Others' code in a repository says nothing about how it is built. */
const FOREIGN = /(^|\/)(node_modules|vendor|third_party|dist|build|target)\//;

/** That of the language with a manifest and the most sources, or of the one with the most sources. */
export async function findToolchain(survey: Survey): Promise<{ toolchain: Toolchain; others: string[] }> {
  const counts = Object.entries(LANGUAGES).map(([name, language]) => {
    const isBuilt = language.manifests.some((manifest) => survey.files.has(manifest));
    return { name, language, isBuilt, sources: countSources(survey, language.ends) };
  });
  const found = counts
    .filter(({ sources }) => sources > 0)
    .sort((a, b) => Number(b.isBuilt) - Number(a.isBuilt) || b.sources - a.sources);
  const [first, ...others] = found;
  if (first === undefined) return { toolchain: NEUTRAL, others: [] };
  const { family } = first.language;
  const apart = others.filter(({ isBuilt, language }) => isBuilt && (!family || language.family !== family));
  return { toolchain: await first.language.toolchain(survey), others: apart.map(({ name }) => name) };
}

function countSources({ files }: Survey, ends: string[]): number {
  let count = 0;
  for (const path of files) if (ends.some((end) => path.endsWith(end)) && !FOREIGN.test(path)) count += 1;
  return count;
}
