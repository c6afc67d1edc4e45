// Sources run as ES modules: Nest 12 is published as ESM only. The swc settings mirror tsconfig.json.
const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: {
        parser: { syntax: 'typescript', decorators: true, dynamicImport: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        target: 'es2022',
        keepClassNames: true,
      },
      module: { type: 'es6' },
      sourceMaps: 'inline',
    },
  ],
};

const shared = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['skein-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  transform,
};

// Folders for tests; for 'int' also one Postgres and one nats-server per run (libs/testing).
const testing = '<rootDir>/libs/testing/src';
const patient = { setupFilesAfterEnv: [`${testing}/patience.ts`] };
const withFolders = {
  globalSetup: `${testing}/temp-setup.ts`,
  globalTeardown: `${testing}/temp-teardown.ts`,
};
const withServers = {
  globalSetup: `${testing}/global-setup.ts`,
  globalTeardown: `${testing}/global-teardown.ts`,
};

/** @type {import('jest').Config} */
export default {
  // Two cores: more workers than that only make timing-sensitive process tests wait for each other.
  maxWorkers: 2,
  // 'unit' is pure and beside the source; 'int' starts real servers; 'e2e' drives the built programs.
  projects: [
    {
      ...shared,
      ...withFolders,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,libs}/**/*.spec.ts'],
      testPathIgnorePatterns: ['\\.int\\.spec\\.ts$', '/node_modules/'],
    },
    {
      ...shared,
      ...withServers,
      ...patient,
      displayName: 'int',
      testMatch: ['<rootDir>/{apps,libs}/**/*.int.spec.ts'],
    },
    { ...shared, ...withFolders, ...patient, displayName: 'e2e', testMatch: ['<rootDir>/test/**/*.spec.ts'] },
  ],
};
