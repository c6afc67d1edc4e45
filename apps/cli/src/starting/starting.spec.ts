import { parse } from 'yaml';
import type { CodemodTrial, TryCodemod } from './examples/codemods.ts';
import { findExample } from './examples/find-example.ts';
import { isOwnSource, matrixFor } from './examples/file-globs.ts';
import { firstPlanText } from './first-plan.ts';
import { isIgnored } from './ignoring.ts';
import { networkEnvironment, networkHints, programHints } from './program-hints.ts';
import type { Survey } from './survey.ts';
import { findToolchain } from './toolchains/find-toolchain.ts';

/** A repository in memory. A text that begins with `#!` is a program. */
function surveyOf(files: Record<string, string>): Survey {
  const names = Object.keys(files);
  return {
    files: new Set(names),
    executable: new Set(names.filter((name) => files[name]!.startsWith('#!'))),
    read: (path) => Promise.resolve(files[path] ?? null),
  };
}

async function checksOf(files: Record<string, string>) {
  const { toolchain } = await findToolchain(surveyOf(files));
  const { name, setup, verify, network } = toolchain;
  return { name, setup, verify, network };
}

const manifest = (fields: object) =>
  JSON.stringify({ scripts: { test: 'node --test' }, devDependencies: { borp: '1' }, ...fields });
const IGNORED = { '.gitignore': '/node_modules/\n' };
const JS = { 'index.js': '', ...IGNORED };

describe('the checks of a repository', () => {
  it.each([
    [{ 'package-lock.json': '' }, {}, 'npm ci', 'npm test'],
    [{ 'npm-shrinkwrap.json': '' }, {}, 'npm ci', 'npm test'],
    [{}, {}, 'npm install --no-package-lock', 'npm test'],
    [{ 'pnpm-lock.yaml': '' }, {}, 'pnpm install --frozen-lockfile', 'pnpm test'],
    [{ 'yarn.lock': '' }, {}, 'yarn install --frozen-lockfile', 'yarn test'],
    [{ 'yarn.lock': '' }, { packageManager: 'yarn@4.1.0' }, 'yarn install --immutable', 'yarn test'],
    [{ 'yarn.lock': '', '.yarnrc.yml': '' }, {}, 'yarn install --immutable', 'yarn test'],
    [{ 'bun.lock': '' }, {}, 'bun install --frozen-lockfile', 'bun run test'],
  ])('of JavaScript with %j %j are set up by %s', async (files, fields, install, test) => {
    expect(await checksOf({ ...JS, 'package.json': manifest(fields), ...files })).toMatchObject({
      ...{ setup: [install], verify: [test], network: true },
    });
  });

  it('of JavaScript without dependencies need nothing, and there are none where npm only says so', async () => {
    const alone = manifest({ devDependencies: {} });
    expect(await checksOf({ ...JS, 'package.json': alone })).toMatchObject({
      ...{ setup: [], verify: ['npm test'], network: false },
    });
    const untested = manifest({ scripts: { test: 'echo "Error: no test specified" && exit 1' } });
    expect(await checksOf({ ...JS, 'package.json': untested })).toMatchObject({ setup: [], verify: [] });
    for (const broken of ['{', '[]', 'null', '{"scripts":{"test":5}}'])
      expect(await checksOf({ ...JS, 'package.json': broken })).toMatchObject({ verify: [] });
  });

  it('of JavaScript write no git hooks: a worktree of a step refuses them', async () => {
    const locked = { ...JS, 'package-lock.json': '' };
    const tools = (devDependencies: object) => ({ ...locked, 'package.json': manifest({ devDependencies }) });
    const husky = await findToolchain(surveyOf(tools({ husky: '9' })));
    expect(husky.toolchain).toMatchObject({ setup: ['npm ci'], env: { CI: 'true', HUSKY: '0' } });
    const hooks = await findToolchain(surveyOf(tools({ 'pre-commit': '1' })));
    expect(hooks.toolchain).toMatchObject({ setup: ['npm ci --ignore-scripts'], env: { CI: 'true' } });
    expect(hooks.toolchain.hints.join()).toContain('pre-commit writes git hooks');
  });

  it('install for each check where git does not ignore what is installed: a set-up is put back', async () => {
    const files = { 'index.js': '', 'package.json': manifest({}), 'package-lock.json': '' };
    expect(await checksOf(files)).toMatchObject({ setup: [], verify: ['npm ci', 'npm test'] });
  });

  it.each([
    [{ 'uv.lock': '', 'pyproject.toml': 'x = "pytest"' }, ['uv sync --frozen'], ['uv run --no-sync pytest']],
    [
      { 'poetry.lock': '', 'tests/conftest.py': '' },
      ['poetry install --no-interaction'],
      ['poetry run pytest'],
    ],
    [{ 'tox.ini': '' }, [], ['tox']],
    [{ 'pyproject.toml': '[tool.tox]\n' }, [], ['tox']],
    [
      { 'pyproject.toml': '[project]\nname = "x"\n', 'test_a.py': 'import pytest\n', 'requirements.txt': '' },
      [
        'python3 -m venv "$HOME/venv"',
        '"$HOME/venv"/bin/python -m pip install --quiet pytest --editable . --requirement requirements.txt',
      ],
      ['"$HOME/venv"/bin/python -m pytest'],
    ],
    [{ 'tests/test_a.py': 'import unittest\n' }, [], ['python3 -m unittest discover']],
    [{}, [], []],
  ])('of Python with %j', async (files, setup, verify) => {
    const network = setup.length > 0 || verify[0] === 'tox';
    const all: Record<string, string> = { 'a.py': '', ...files };
    expect(await checksOf(all)).toMatchObject({ setup, verify, network });
  });

  it.each([
    ['Go', { 'a.go': '', 'go.mod': '', 'go.sum': '' }, ['go mod download'], ['go test ./...'], true],
    ['Go', { 'a.go': '', 'go.mod': '' }, [], ['go test ./...'], false],
    ['Go', { 'a.go': '' }, [], [], false],
    [
      'Rust',
      { 'src/lib.rs': '', 'Cargo.toml': '', 'Cargo.lock': '', '.gitignore': 'target' },
      ['cargo fetch --locked'],
      ['cargo test --locked --offline'],
      true,
    ],
    [
      'Rust',
      { 'src/lib.rs': '', 'Cargo.toml': '' },
      ['cargo fetch'],
      ['CARGO_TARGET_DIR="$HOME/target" cargo test'],
      true,
    ],
    [
      'Java (maven)',
      { 'A.java': '', 'pom.xml': '' },
      [],
      ['mvn --batch-mode --no-transfer-progress test'],
      true,
    ],
    [
      'Java (maven)',
      { 'A.java': '', 'pom.xml': '', mvnw: '#!/bin/sh' },
      [],
      ['./mvnw --batch-mode --no-transfer-progress test'],
      true,
    ],
    [
      'Java (gradle)',
      { 'A.java': '', 'build.gradle.kts': '', gradlew: 'exec java' },
      [],
      ['sh gradlew --no-daemon test'],
      true,
    ],
    ['no language', { 'README.md': '' }, [], [], false],
  ])('of %s with %j', async (name, files, setup, verify, network) => {
    const found = await checksOf(files);
    expect(found).toMatchObject({ setup, verify, network });
    expect(found.name).toContain(name);
  });

  it("are those of the language that the repository is built in, not of others' code in it", async () => {
    const vendored = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`vendor/x/${i}.js`, '']));
    const { toolchain, others } = await findToolchain(
      surveyOf({ 'main.go': '', 'a.go': '', 'go.mod': '', 'tool.py': '', 'pyproject.toml': '', ...vendored }),
    );
    expect(toolchain.name).toBe('Go');
    expect(others).toEqual(['Python']);
  });

  it.each([
    ['node_modules', true],
    ['/node_modules/', true],
    ['**/node_modules/**', true],
    ['node_*  ', true],
    ['# node_modules', false],
    ['packages/node_modules', false],
    ['*\n!node_modules', false],
    ['', false],
  ])('know that %j ignores node_modules: %s', (text, ignored) => {
    expect(isIgnored(text, 'node_modules')).toBe(ignored);
  });
});

const MIT = 'Permission is hereby granted, free of charge, to any person obtaining a copy';

describe('the change of a first plan', () => {
  const nothing: TryCodemod = () => Promise.resolve({ files: [], matches: 0 });

  async function exampleOf(files: Record<string, string>, tried: TryCodemod = nothing) {
    const survey = surveyOf(files);
    return findExample(survey, (await findToolchain(survey)).toolchain, tried);
  }

  it('is a codemod where one changes something, asked of those sources alone that may have it', async () => {
    const asked: string[][] = [];
    const tried: TryCodemod = ({ sources, rules }): Promise<CodemodTrial> => {
      asked.push([...sources.keys(), /^id: (.*)$/m.exec(rules)![1]!]);
      return Promise.resolve(
        rules.includes('has-own') ? { files: ['lib/b.js'], matches: 3 } : { files: [], matches: 0 },
      );
    };
    const example = await exampleOf(
      {
        'package.json': manifest({}),
        'lib/a.js': "require('fs')",
        'lib/b.js': 'Object.prototype.hasOwnProperty.call(a, b)',
        'lib/c.js': '',
        LICENSE: MIT,
      },
      tried,
    );
    expect(asked).toEqual([
      ['lib/a.js', 'node-protocol'],
      ['lib/b.js', 'has-own'],
    ]);
    expect(example).toMatchObject({
      name: 'has-own',
      evidence: 'found in 3 places of 1 file',
      matrix: { glob: ['lib/**/*.js'], exclude: [], chunk: 1 },
    });
  });

  it('asks for nothing that the oldest Node of the package cannot run, or that a bundler may not know', async () => {
    const all: TryCodemod = ({ sources }) => Promise.resolve({ files: [...sources.keys()], matches: 1 });
    const sources = {
      'a.js': "require('fs'); Object.prototype.hasOwnProperty.call(a, b); a.indexOf(b) > -1",
    };
    const named = async (fields: object) =>
      (await exampleOf({ ...sources, 'package.json': manifest(fields) }, all)).name;
    expect(await named({})).toBe('node-protocol');
    expect(await named({ engines: { node: '>=12' } })).toBe('includes');
    expect(await named({ engines: { node: '^16.3 || 18' } })).toBe('node-protocol');
    expect(await named({ devDependencies: { webpack: '4' } })).toBe('has-own');
  });

  it('is licence headers where the licence is known and most sources say nothing of it', async () => {
    const go = { 'go.mod': '', LICENSE: MIT, 'cmd/a.go': 'package a\n', 'b.go': 'package b\n' };
    const example = await exampleOf(go);
    expect(example).toMatchObject({ name: 'licence-headers', evidence: 'missing in 2 files' });
    expect(example.matrix?.glob).toEqual(['*.go', 'cmd/**/*.go']);
    expect(JSON.stringify(example.work)).toContain('// SPDX-License-Identifier: MIT');
    const said = { ...go, 'b.go': '// Copyright 2020\n', 'c.go': '// Copyright 2020\n' };
    expect((await exampleOf(said)).name).not.toBe('licence-headers');
    expect((await exampleOf({ ...go, LICENSE: 'All rights reserved' })).name).not.toBe('licence-headers');
  });

  it('is trailing blanks, or a file that is not there, when there is nothing else', async () => {
    expect((await exampleOf({ 'a.txt': 'x  \n', 'b.txt': '' })).name).toBe('trailing-blanks');
    expect((await exampleOf({ 'a.md': 'x  \n' })).name).toBe('editor-settings');
    expect((await exampleOf({ 'a.md': '', '.editorconfig': '' })).name).toBe('first-plan');
  });

  it('says that there is more when not everything was read', async () => {
    const named = (i: number) => `${i < 250 ? 'src' : 'lib'}/f${i}.txt`;
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [named(i), 'x \n']));
    const example = await exampleOf(many);
    expect(example.evidence).toBe('found in at least 150 files');
    expect(example.matrix).toEqual({ glob: ['lib/**/*.txt', 'src/**/*.txt'], exclude: [], chunk: 38 });
  });

  it('spells out no folder whose name is more than a plain one, and leaves out what others made', () => {
    const tracked = new Set(["a'; rm -rf $HOME #/x.js", 'lib/y.js', 'dist/z.js', 'lib/q.min.js']);
    const own = [...tracked].filter(isOwnSource);
    expect(own).toEqual(["a'; rm -rf $HOME #/x.js", 'lib/y.js']);
    expect(matrixFor(own, tracked)).toEqual({
      glob: ['**/*.js'],
      exclude: ['**/dist/**', '**/*.min.*'],
      chunk: 1,
    });
  });
});

describe('the text of a first plan', () => {
  it('says everything as data, whatever branch and licence are called', async () => {
    const survey = surveyOf({ 'a.go': 'package a\n', 'go.mod': '', LICENSE: MIT });
    const { toolchain } = await findToolchain(survey);
    const example = await findExample(survey, toolchain, () => Promise.resolve({ files: [], matches: 0 }));
    const base = 'x: [y]\n#evil\u001b[2J"\'';
    const text = firstPlanText({
      ...{ base, toolchain, others: ['a\nsteps: []'], example },
      schemaUrl: 'file:///x/plan.schema.json',
    });
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=file:///x/plan.schema.json');
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    const plan = parse(text) as Record<string, unknown>;
    expect(plan).toMatchObject({
      version: 1,
      name: 'licence-headers',
      repo: { url: '.', base },
      baseline: 'report',
      integrate: { branch: 'skein/licence-headers', verify: ['go test ./...'] },
    });
    expect(Object.keys(plan)).toEqual(['version', 'name', 'repo', 'baseline', 'steps', 'integrate']);
  });

  it('has a comment for each thing that a newcomer does not know', async () => {
    const survey = surveyOf({ 'a.txt': 'x \n' });
    const { toolchain } = await findToolchain(survey);
    const example = await findExample(survey, toolchain, () => Promise.resolve({ files: [], matches: 0 }));
    const text = firstPlanText({ base: 'main', toolchain, others: [], example, schemaUrl: 'x' });
    for (const key of ['url: .', 'base: main', '- name', 'matrix:', 'run:', 'verify:', 'integrate:'])
      expect(text).toMatch(new RegExp(`#.*\\n *${key.replace('.', '\\.')}`));
    expect(text).toContain('There are no checks');
  });
});

describe('programs that steps will not find', () => {
  it('are named before the first run, and how to give steps those of a version manager', async () => {
    const [missing] = await programHints(['no-such-program'], '/usr/bin:/bin');
    expect(missing).toContain('no-such-program is not on PATH');
    expect(await programHints(['sh'], '/usr/bin:/bin')).toEqual([]);
  });

  it('reach no network that needs a proxy or a certificate of its own, and that is said without the address', () => {
    expect(networkHints({ PATH: '/bin', SSL_CERT_FILE: '/etc/ssl/certs/ca.crt' })).toEqual([]);
    expect(networkHints({ SSL_CERT_FILE: '/home/me/ca.crt' })[0]).toContain('SSL_CERT_FILE is set here');
    const [hint] = networkHints({ HTTPS_PROXY: 'http://me:secret@proxy' });
    expect(hint).toContain('HTTPS_PROXY is set here');
    expect(hint).not.toContain('secret');
  });

  it('are told of certificates that steps can see, and of no other file', () => {
    const file = '/etc/ssl/certs/ca-certificates.crt';
    expect(networkEnvironment({ NODE_EXTRA_CA_CERTS: file })).toEqual({ NODE_EXTRA_CA_CERTS: file });
    for (const other of ['/home/me/ca.crt', '/etc/ssl/$(x)', '']) {
      expect(networkEnvironment({ NODE_EXTRA_CA_CERTS: other })).toEqual({});
    }
  });
});
