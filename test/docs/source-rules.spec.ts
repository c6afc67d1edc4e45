import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ESLint } from 'eslint';
import { tempDir } from '#testing';

const ROOT = join(import.meta.dirname, '..', '..');

/** Rules of the design that the linter holds: each is broken here on purpose, in a text that is no file. */
const BROKEN: [string, string, string][] = [
  ['a clock in the domain', 'libs/domain/src/plan/decide.ts', 'export const at = Date.now();'],
  ['chance in the domain', 'libs/domain/src/plan/decide.ts', 'export const at = Math.random();'],
  ['a timer in the domain', 'libs/domain/src/plan/decide.ts', 'setTimeout(() => undefined, 1);'],
  ['the network in the domain', 'libs/domain/src/plan/decide.ts', "export const page = fetch('http://x');"],
  [
    'the environment outside of its reader',
    'libs/bus/src/index.ts',
    'export const url = process.env.NATS_URL;',
  ],
];

const FORBIDDEN = /^no-restricted-(globals|properties)$/;

/** These rules need no types, and to read those of the whole repository takes long. */
const eslint = new ESLint({
  cwd: ROOT,
  ruleFilter: ({ ruleId }) => FORBIDDEN.test(ruleId),
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
});

async function lint(file: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: join(ROOT, file) });
  return result!.messages
    .map(({ ruleId, message }) => ruleId ?? message)
    .filter((rule) => FORBIDDEN.test(rule));
}

/** Imports that the layout forbids: file, what it imports, the rule that says so. */
const STRANGE: [string, string, string][] = [
  ['libs/domain/src/clock.ts', 'node:fs', 'domain-has-no-io'],
  ['libs/domain/src/logger.ts', '../../telemetry/src/index.ts', 'domain-imports-only-its-libs'],
  ['libs/bus/src/inner.ts', '../../contracts/src/inner.ts', 'libs-by-index-only'],
  ['libs/workspace/src/app.ts', '../../../apps/worker/src/index.ts', 'libs-know-no-app'],
  ['apps/worker/src/neighbour.ts', '../../coordinator/src/index.ts', 'apps-are-strangers'],
  ['apps/coordinator/src/shortcut.ts', '../../../libs/ledger/src/inner.ts', 'apps-use-libs-by-index-only'],
  ['libs/ledger/src/fake.ts', '../../testing/src/index.ts', 'testing-is-for-specs'],
  ['libs/bus/src/one.ts', './one.ts', 'no-cycles'],
];

/** The rules, applied to a few files of their own, in which each is broken once. */
async function brokenImports(): Promise<{ from: string; rule: string }[]> {
  const root = await tempDir('imports');
  const files = new Map<string, string>(
    STRANGE.map(([file, target]) => [file, `export * from '${target}';\n`]),
  );
  for (const [file, target] of STRANGE) {
    if (!target.startsWith('.')) continue;
    const path = join(dirname(file), target);
    if (!files.has(path)) files.set(path, 'export const there = true;\n');
  }
  files.set('tsconfig.json', '{}');
  for (const [file, text] of files) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [program, '--config', join(ROOT, '.dependency-cruiser.mjs'), '-T', 'json', 'libs', 'apps'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  const { summary } = JSON.parse(stdout) as {
    summary: { violations: { from: string; rule: { name: string } }[] };
  };
  return summary.violations.map(({ from, rule }) => ({ from, rule: rule.name }));
}

describe('the linter', () => {
  it.each(BROKEN)(
    'refuses %s',
    async (_, file, text) => {
      expect(await lint(file, text)).toHaveLength(1);
    },
    60_000,
  );

  it('lets the same stand where it is right', async () => {
    expect(await lint('libs/bus/src/index.ts', 'export const at = Date.now() + Math.random();')).toEqual([]);
    expect(await lint('libs/config/src/index.ts', 'export const url = process.env.NATS_URL;')).toEqual([]);
  }, 60_000);
});

describe('the rules of who may import whom', () => {
  it('refuse each import that the layout forbids', async () => {
    const broken = await brokenImports();
    for (const [from, , rule] of STRANGE) expect(broken).toContainEqual({ from, rule });
  }, 60_000);
});

/** What no source may say, and where it must not; a text that breaks it shows that it would be seen. */
const UNSAID: [string, string[], RegExp, string][] = [
  ['hands a job back to the broker', ['libs/bus/src', 'apps/worker/src'], /\.nak\(/, 'message.nak(5_000);'],
  [
    'deletes messages by their sequence',
    ['libs/bus/src', 'apps/coordinator/src'],
    /\bdeleteMessage\(|STREAM\.MSG\.DELETE/,
    'await jsm.streams.deleteMessage(name, 7);',
  ],
  [
    'pushes by force',
    ['libs/workspace/src', 'apps/worker/src'],
    /['"`](--force|-f|--mirror)['"`]/,
    "await git('push', '--force');",
  ],
  [
    'names a span elsewhere than in the table of names',
    ['libs', 'apps'],
    /\b(inSpan|startSpan|startActiveSpan)\(\s*['"`]/,
    "await inSpan('step s17', {}, work);",
  ],
];

describe('no program', () => {
  it.each(UNSAID)('%s', (_, folders, said, broken) => {
    expect(broken).toMatch(said);
    const sources = folders.flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.ts$/.test(file) && !/\.spec\.ts$|(^|\/)testing\//.test(file))
        .map((file) => join(folder, file)),
    );
    expect(sources.length).toBeGreaterThan(10);
    expect(sources.filter((file) => said.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
  });
});
