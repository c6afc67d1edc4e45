/** Repositories as people have them, one for each kind that `skein init` knows. Small, and with checks that are real. */

const MIT = `MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software, to deal in it.
`;

export interface FirstRepository {
  files: Record<string, string>;
  /** What the first plan is called, and what it must say. */
  plan: string;
  says: RegExp[];
}

export const javascript: FirstRepository = {
  files: {
    '.gitignore': 'node_modules\n',
    'package.json': `${JSON.stringify({ name: 'x', private: true, scripts: { test: 'node --test' } })}\n`,
    'lib/read.js':
      "const fs = require('fs')\nconst { join } = require(\"path\")\nmodules = { fs: 'fs' }\nmodule.exports = (name) => fs.readFileSync(join(__dirname, name), 'utf8')\n",
    'lib/write.mjs':
      "import fs from 'fs'\nexport { join } from 'path'\nexport const write = (f) => import('fs').then(() => fs.writeFileSync(f, ''))\n",
    'lib/local.js': "module.exports = require('./fs')\n",
    'lib/fs.js': 'module.exports = 1\n',
    'test/read.test.js':
      "const test = require('node:test')\nconst assert = require('assert')\nconst read = require('../lib/read.js')\ntest('reads itself', () => assert.match(read('read.js'), /readFileSync/))\n",
  },
  plan: 'node-protocol',
  says: [/verify: \[npm test\]/, /language: JavaScript/, /base: main/],
};

export const go: FirstRepository = {
  files: {
    'go.mod': 'module example.org/x\n\ngo 1.21\n',
    'add.go': 'package x\n\nfunc Add(a, b int) int { return a + b }\n',
    'add_test.go':
      'package x\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Fatal("no")\n\t}\n}\n',
    'tool.go': '// Copyright somebody\n\n//go:build tool\n\npackage x\n',
    LICENSE: MIT,
  },
  plan: 'licence-headers',
  says: [/verify: \[go test \.\/\.\.\.\]/, /SPDX-License-Identifier: MIT/],
};

export const neutral: FirstRepository = {
  files: { 'notes/a b.txt': 'one  \ntwo\t\n', 'notes/clean.txt': 'three\n', 'x.md': 'kept  \n' },
  plan: 'trailing-blanks',
  says: [/There are no checks/],
};

export const others: Record<string, FirstRepository> = {
  'TypeScript with pnpm': {
    files: {
      '.gitignore': 'node_modules\n',
      'package.json': `${JSON.stringify({ scripts: { test: 'vitest run' }, devDependencies: { vitest: '3', husky: '9' } })}\n`,
      'pnpm-lock.yaml': 'lockfileVersion: 9\n',
      'tsconfig.json': '{}\n',
      'src/a.ts': 'export const has = (a: string[], b: string): boolean => a.indexOf(b) !== -1;\n',
    },
    plan: 'includes',
    says: [/pnpm install --frozen-lockfile/, /verify: \[pnpm test\]/, /language: TypeScript/, /HUSKY: '0'/],
  },
  'Python with pytest': {
    files: {
      'pyproject.toml': '[project]\nname = "x"\nversion = "1"\n\n[tool.pytest.ini_options]\n',
      'x/__init__.py': '#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\nA = 1\n',
      'tests/test_x.py': 'import x\n\n\ndef test_a():\n    assert x.A == 1\n',
      LICENSE: MIT,
    },
    plan: 'licence-headers',
    says: [/python -m pytest/, /--editable \./, /# SPDX-License-Identifier: MIT/],
  },
  Rust: {
    files: {
      '.gitignore': '/target\n',
      'Cargo.toml': '[package]\nname = "x"\nversion = "0.1.0"\n',
      'Cargo.lock': 'version = 4\n',
      'src/lib.rs': 'pub fn one() -> u8 { 1 }\n',
      LICENSE: MIT,
    },
    plan: 'licence-headers',
    says: [/cargo fetch --locked/, /cargo test --locked --offline/],
  },
  'Java with Maven': {
    files: { 'pom.xml': '<project/>\n', 'src/main/java/A.java': 'class A {}  \n' },
    plan: 'trailing-blanks',
    says: [/mvn --batch-mode --no-transfer-progress test/, /network: true/],
  },
  'Java with Gradle': {
    files: { 'build.gradle': '\n', gradlew: '#!/bin/sh\n', 'src/A.java': 'class A {}\n', LICENSE: MIT },
    plan: 'licence-headers',
    says: [/\.\/gradlew --no-daemon test/],
  },
};
