import { isIgnored } from '../ignoring.ts';
import type { Survey } from '../survey.ts';
import type { Toolchain } from './toolchain.ts';

/** Go: modules are fetched once, into the step's HOME. */
export async function goToolchain({ files }: Survey): Promise<Toolchain> {
  const isModule = files.has('go.mod');
  const fetches = isModule && files.has('go.sum') && !files.has('vendor/modules.txt');
  return Promise.resolve({
    ...{
      name: 'Go',
      sources: ['**/*.go'],
      comment: '//',
      codemod: null,
      hints: [],
      programs: ['go'],
      env: {},
    },
    setup: fetches ? ['go mod download'] : [],
    verify: isModule ? ['go test ./...'] : [],
    network: fetches,
    because: isModule ? 'go.mod' : 'there is no go.mod at the root; put your checks here',
  });
}

/** Rust: crates are fetched first, so that the checks need no network. */
export async function rustToolchain(survey: Survey): Promise<Toolchain> {
  const { files } = survey;
  const isCrate = files.has('Cargo.toml');
  const locked = files.has('Cargo.lock') ? ' --locked' : '';
  const target = isIgnored(await survey.read('.gitignore'), 'target')
    ? ''
    : 'CARGO_TARGET_DIR="$HOME/target" ';
  return {
    ...{
      name: 'Rust (cargo)',
      sources: ['**/*.rs'],
      comment: '//',
      codemod: null,
      programs: ['cargo'],
      env: {},
    },
    setup: isCrate ? [`cargo fetch${locked}`] : [],
    // Fetching writes a lock file that is not tracked, and what is not ignored is put back before the checks.
    verify: isCrate ? [`${target}cargo test${locked === '' ? '' : `${locked} --offline`}`] : [],
    network: isCrate,
    because: isCrate ? 'Cargo.toml' : 'there is no Cargo.toml at the root; put your checks here',
    hints: [],
  };
}

/** Java: Maven or Gradle, by their wrapper where there is one. */
export async function javaToolchain({ files, executable }: Survey): Promise<Toolchain> {
  const shared = { sources: ['**/*.java'], comment: '//', codemod: null, setup: [], hints: [] } as const;
  const wrapped = (wrapper: string, program: string) => {
    if (executable.has(wrapper)) return { command: `./${wrapper}`, programs: ['java'] };
    if (files.has(wrapper)) return { command: `sh ${wrapper}`, programs: ['java'] };
    return { command: program, programs: [program] };
  };
  const toolchain = (name: string, verify: string[], because: string, programs: string[]): Toolchain => ({
    ...shared,
    sources: [...shared.sources],
    ...{ setup: [], hints: [], env: {}, name, verify, because, programs },
    // Both look for what is missing while they check.
    network: verify.length > 0,
  });
  if (files.has('pom.xml')) {
    const { command, programs } = wrapped('mvnw', 'mvn');
    return toolchain(
      'Java (maven)',
      [`${command} --batch-mode --no-transfer-progress test`],
      'pom.xml',
      programs,
    );
  }
  const gradle = ['build.gradle', 'build.gradle.kts'].find((name) => files.has(name));
  if (gradle !== undefined) {
    const { command, programs } = wrapped('gradlew', 'gradle');
    return toolchain('Java (gradle)', [`${command} --no-daemon test`], gradle, programs);
  }
  return Promise.resolve(
    toolchain('Java', [], 'there is no pom.xml or build.gradle at the root; put your checks here', []),
  );
}
