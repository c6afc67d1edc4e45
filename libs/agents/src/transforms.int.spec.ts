import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jest } from '@jest/globals';
import { type RunLimits, Sandbox, type SandboxKind, detectSandbox, removeTree } from '#sandbox';
import { silentLogger } from '#telemetry';
import { runTransform, type TransformTask } from './codemod/transforms/run-transform.ts';

jest.setTimeout(60_000);

const PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
const MB = 1024 * 1024;
const LIMITS: RunLimits = {
  wallMs: 60_000,
  idleMs: 60_000,
  outputBytes: 10 * MB,
  memoryBytes: 2_048 * MB,
  diskBytes: 200 * MB,
  processes: 100,
};
const never = new AbortController().signal;

const detected = await detectSandbox({ path: PATH, log: silentLogger });
const kinds = detected.trials.filter((trial) => trial.works).map((trial) => trial.kind);

let dir: string;
let worktree: string;
let scratch: string;
let printed: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'skein-transforms-'));
  worktree = join(dir, 'worktree');
  scratch = join(dir, 'step-scratch');
  printed = '';
  for (const folder of [worktree, scratch]) mkdirSync(folder);
});
afterEach(() => removeTree(dir));

const read = (file: string) => readFileSync(join(worktree, file), 'utf8');
const write = (file: string, content: string | Buffer) => {
  mkdirSync(dirname(join(worktree, file)), { recursive: true });
  writeFileSync(join(worktree, file), content);
};

/** As people write it for jscodeshift: `require` and `module.exports` become `import` and `export`. */
const TO_ESM = `
module.exports = function (file, api, options) {
  const j = api.jscodeshift;
  const root = j(file.source);
  const isRequire = (node) =>
    node?.type === 'CallExpression' && node.callee.name === 'require' && node.arguments.length === 1;
  root.find(j.VariableDeclaration).filter(({ parent, node }) =>
    parent.node.type === 'Program' && node.declarations.length === 1 && isRequire(node.declarations[0].init),
  ).replaceWith(({ node }) => {
    const [{ id, init }] = node.declarations;
    const name = init.arguments[0].value;
    const source = j.literal(name.startsWith('.') ? name + options.extension : name);
    const specifiers = id.type === 'ObjectPattern'
      ? id.properties.map((p) => j.importSpecifier(j.identifier(p.key.name), j.identifier(p.value.name)))
      : [j.importDefaultSpecifier(j.identifier(id.name))];
    const made = j.importDeclaration(specifiers, source);
    made.comments = node.comments;
    api.stats('imports');
    return made;
  });
  root.find(j.ExpressionStatement, { expression: { type: 'AssignmentExpression' } }).forEach((path) => {
    const { left, right } = path.node.expression;
    if (j(left).toSource() === 'module.exports') j(path).replaceWith(j.exportDefaultDeclaration(right));
    else if (left.object?.name === 'exports')
      j(path).replaceWith(j.exportNamedDeclaration(j.variableDeclaration('const', [j.variableDeclarator(left.property, right)])));
  });
  return root.toSource({ quote: 'single' });
};
`;

let kind: SandboxKind;

const transform = (files: string[], text: string, o: Partial<TransformTask> = {}) =>
  runTransform(
    {
      sandbox: new Sandbox({
        kind,
        log: silentLogger,
        readable: [],
        extraWritable: [],
        path: PATH,
        scratchRoot: join(dir, 'runs'),
        graceMs: 300,
        pollMs: 100,
      }),
      worktree,
      transform: text,
      parser: 'babel',
      options: {},
      files,
      limits: LIMITS,
      env: {},
      writable: [scratch],
      readable: [],
      onOutput: (chunk) => void (printed += chunk.toString()),
      maxFileBytes: 1_000,
      ...o,
    },
    never,
  );

async function report(files: string[], text: string, o: Partial<TransformTask> = {}) {
  const result = await transform(files, text, o);
  if (result.status !== 'done') throw new Error(`${result.status}: ${result.message}`);
  expect(readdirSync(scratch)).toEqual([]);
  return result.report;
}

describe.each(kinds)('in the sandbox "%s"', (own) => {
  beforeEach(() => {
    kind = own;
  });

  it('turns CommonJS into ES modules, file by file, and keeps comments and layout', async () => {
    write(
      'src/index.js',
      "// The entry.\nconst { join: joinPaths } = require('node:path');\nconst util = require('./util');\n\n/** Says hello. */\nfunction hello( name ) { return util.greet(name) + joinPaths('a', 'b') }\n\nmodule.exports = hello;\n",
    );
    write('src/util.js', "'use strict';\n\nexports.greet = (name) => `hi ${name}`;\n");
    write('src/done.js', 'export default 1;\n');
    const files = ['src/index.js', 'src/util.js', 'src/done.js'];
    expect(await report(files, TO_ESM, { options: { extension: '.js' } })).toMatchObject({
      changed: ['src/index.js', 'src/util.js'],
      unmodified: 1,
      failures: 0,
      stats: { imports: 2 },
    });
    expect(read('src/index.js')).toBe(
      "// The entry.\nimport { join as joinPaths } from 'node:path';\n\nimport util from './util.js';\n\n/** Says hello. */\nfunction hello( name ) { return util.greet(name) + joinPaths('a', 'b') }\n\nexport default hello;\n",
    );
    expect(read('src/util.js')).toBe("'use strict';\n\nexport const greet = (name) => `hi ${name}`;\n");
  });

  it('leaves alone what is no text file of the worktree', async () => {
    write('a.js', 'old');
    write('binary.js', Buffer.from([0x61, 0, 0x62]));
    write('big.js', ' '.repeat(2_000));
    writeFileSync(join(dir, 'outside.js'), 'old');
    symlinkSync(join(dir, 'outside.js'), join(worktree, 'link.js'));
    symlinkSync(dir, join(worktree, 'up'));
    const files = ['a.js', 'binary.js', 'big.js', 'link.js', 'up/outside.js', '../outside.js', '.git/config'];
    const said = await report(files, "module.exports = () => 'new'");
    expect(said.changed).toEqual(['a.js']);
    expect(Object.fromEntries(said.skipped.map(({ file, message }) => [file, message]))).toEqual({
      'binary.js': 'not a text file',
      'big.js': 'larger than 1000 bytes',
      'link.js': 'a symlink',
      'up/outside.js': kind === 'bubblewrap' ? 'not there' : 'behind a symlink that leaves the worktree',
      '../outside.js': 'not a path of the worktree',
      '.git/config': 'belongs to git',
    });
    expect(readFileSync(join(dir, 'outside.js'), 'utf8')).toBe('old');
  });
});

/** What a program may not do is the sandbox's own promise, tested there in every kind. */
describe('a transform', () => {
  beforeEach(() => {
    kind = detected.kind;
  });

  it('transforms TypeScript by a transform that is itself an ES module in TypeScript, and async', async () => {
    write('a.ts', 'enum Color { Red }\nconst n = <number>(Color.Red as unknown);\nfetchUser<Kept>(n);\n');
    write('b.tsx', 'export const B = () => <b>{fetchUser(1)}</b>;\n');
    const text = `
      import type { API, FileInfo } from 'jscodeshift';
      import { basename } from 'node:path';
      export const parser = 'ts';
      interface Options { to: string }
      export default async function rename(file: FileInfo, { j, report }: API, options: Options): Promise<string> {
        await new Promise((resolve) => setTimeout(resolve, 1));
        report('looked at ' + basename(file.path));
        const root = j(file.source);
        root.find(j.Identifier, { name: 'fetchUser' }).forEach((path) => { path.node.name = options.to; });
        return root.toSource();
      }`;
    const said = await report(['a.ts', 'b.tsx'], text, { options: { to: 'loadUser' }, parser: 'babel' });
    expect(said).toMatchObject({
      changed: ['a.ts'],
      unparsable: [{ file: 'b.tsx', message: expect.stringMatching(/^SyntaxError: .+\(1:\d+\)$/) }],
      failures: 0,
    });
    expect(read('a.ts')).toBe(
      'enum Color { Red }\nconst n = <number>(Color.Red as unknown);\nloadUser<Kept>(n);\n',
    );
    expect(printed).toContain('a.ts: looked at a.ts\n');
    expect(await report(['b.tsx'], text.replace("parser = 'ts'", "parser = 'tsx'"))).toMatchObject({
      changed: ['b.tsx'],
    });
  });

  it.each(['babel', 'babylon', 'flow', 'ts', 'tsx'] as const)(
    'tells with the parser %s a file that cannot be parsed from a transform that fails',
    async (parser) => {
      write('good.js', 'f(1)\n');
      write('broken.js', 'let a = (;\n\tif (\n');
      const text = `module.exports = ({ path, source }, { j }) => {
        j(source);
        if (path === 'good.js') j('made up by the transform (');
      };`;
      const said = await report(['good.js', 'broken.js'], text, { parser });
      expect(said.unparsable).toEqual([
        { file: 'broken.js', message: expect.stringMatching(/^SyntaxError: /) },
      ]);
      expect(said.failed).toEqual([{ file: 'good.js', message: expect.stringMatching(/^SyntaxError: /) }]);
    },
  );

  it('says for each file what the transform did with it, and where it threw', async () => {
    for (const name of ['changes', 'keeps', 'declines', 'empties', 'throws', 'odd', 'rejects'])
      write(`${name}.js`, `${name}\n`);
    const text = `const answers = {
        changes: () => 'new\\n', keeps: (s) => s, declines: () => undefined, empties: () => '',
        throws: () => { throw new TypeError('no such thing') }, odd: () => 42,
        rejects: () => Promise.reject({ toString() { throw 1 } }),
      };
      module.exports = ({ path, source }) => answers[path.slice(0, -3)](source);`;
    const files = readdirSync(worktree);
    expect(await report(files, text)).toEqual({
      changed: ['changes.js'],
      unmodified: 1,
      declined: 2,
      unparsable: [],
      skipped: [],
      failures: 3,
      failed: [
        { file: 'odd.js', message: expect.stringContaining('returned a value of type number') },
        { file: 'rejects.js', message: 'something was thrown that has no text' },
        {
          file: 'throws.js',
          message: expect.stringMatching(
            /^TypeError: no such thing\n\s+at Object\.throws \(\/transform\.js:3:\d+\)\n\s+at module\.exports \(\/transform\.js:6:\d+\)$/,
          ),
        },
      ],
      stats: {},
    });
    expect(read('odd.js')).toBe('odd\n');
  });

  it.each([
    ['does not parse', 'module.exports = (', /Unexpected token \(1:18\)/],
    ['exports no function', 'module.exports = { run: 1 }', /exports no function/],
    ['needs another file', "require('./parts'); module.exports = f => f", /Cannot find module '.\/parts'/],
    ['wants an unknown parser', "module.exports = f => f; module.exports.parser = 'x'", /`parser` must be/],
    ['throws when it is loaded', '\n\nthrow new Error("not today")', /not today\n.*\/transform.js:3:/],
  ])('touches nothing when the module %s, and says so', async (_what, text, says) => {
    write('a.js', 'old');
    const result = await transform(['a.js'], text);
    expect(result).toMatchObject({ status: 'module-error', message: expect.stringMatching(says) });
    expect(read('a.js')).toBe('old');
    expect(readdirSync(scratch)).toEqual([]);
  });

  it.each([
    ['hangs', 'for (;;);', { idleMs: 1_500 }, 'idle-timeout', /no output/],
    [
      'prints 1 GB',
      'for (;;) try { fs.writeSync(1, "x".repeat(1e6)) } catch {}',
      {},
      'output-limit',
      /printed more/,
    ],
    [
      'fills the disk',
      'for (let i = 0; ; i++) fs.writeFileSync("j" + i, "x".repeat(1e7))',
      {},
      'disk-limit',
      /disk/,
    ],
    ['exits as if all were well', 'process.exit(0)', {}, 'exited', /ended its process before/],
    ['exits', 'process.exit(9)', {}, 'exited', /exit code 9/],
    ['waits for nothing', 'return new Promise(() => {})', {}, 'exited', /nothing will settle/],
    [
      'fails later',
      'setTimeout(() => { throw 1 }); return new Promise(() => {})',
      {},
      'exited',
      /exit code 1/,
    ],
    [
      'takes the answer’s place',
      'fs.mkdirSync(require("path").join(process.env.SCRATCH, fs.readdirSync(process.env.SCRATCH)[0], "answer.json")); process.exit(0)',
      {},
      'exited',
      /ended its process before/,
    ],
  ] as const)('a transform that %s ends like any other program', async (_what, body, limits, end, says) => {
    write('a.js', 'old');
    const text = `const fs = require('fs'); module.exports = () => { ${body} }`;
    const result = await transform(['a.js'], text, {
      limits: { ...LIMITS, ...limits },
      env: { SCRATCH: scratch },
    });
    expect(result).toMatchObject({ status: 'stopped', message: expect.stringMatching(says), run: { end } });
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('what a transform starts ends with it', async () => {
    write('a.js', 'old');
    const seconds = `${200_000 + (process.pid % 10_000)}.5`;
    const text = `const { spawn } = require('child_process');
      module.exports = () => { spawn('setsid', ['sleep', '${seconds}'], { detached: true, stdio: 'ignore' }); return 'new' }`;
    expect((await report(['a.js'], text)).changed).toEqual(['a.js']);
    const alive = readdirSync('/proc').filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(seconds);
      } catch {
        return false;
      }
    });
    expect(alive).toEqual([]);
  });

  it('a forged answer names no file but those that were given, and a timer that was forgotten keeps nobody', async () => {
    write('a.js', 'old');
    const forge = (answer: object) => `
      require('fs').writeFileSync = () => {};
      JSON.stringify = () => 'nonsense';
      setInterval(() => {}, 1000);
      const { openSync, readdirSync, writeSync } = require('fs');
      const dir = process.env.SCRATCH + '/' + readdirSync(process.env.SCRATCH)[0];
      module.exports = () => { writeSync(openSync(dir + '/answer.json', 'w'), ${JSON.stringify(JSON.stringify(answer))}); process.exit(0) }`;
    const empty = {
      unmodified: 0,
      declined: 0,
      unparsable: [],
      skipped: [],
      failed: [],
      failures: 0,
      stats: {},
    };
    const env = { SCRATCH: scratch };
    const outside = { status: 'done', report: { ...empty, changed: ['../../etc/passwd'] } };
    expect(await transform(['a.js'], forge(outside), { env })).toMatchObject({ status: 'stopped' });
    const lie = { status: 'done', report: { ...empty, changed: ['a.js'] } };
    expect(await transform(['a.js'], forge(lie), { env })).toMatchObject({ status: 'done' });
    expect(read('a.js')).toBe('old');
    const slow = await report(['a.js'], "setInterval(() => {}, 1000); module.exports = () => 'new'");
    expect(slow.changed).toEqual(['a.js']);
  });

  it('many quick files are no silence for the idle clock', async () => {
    const files = Array.from({ length: 70 }, (_, i) => `f${i}.js`);
    for (const file of files) write(file, 'old');
    const text = 'module.exports = () => new Promise((done) => setTimeout(() => done("new"), 100))';
    const said = await report(files, text, { limits: { ...LIMITS, idleMs: 6_000 } });
    expect(said.changed).toHaveLength(70);
    expect(printed).toMatch(/^\[transform\] \d+ of 70 files$/m);
  });
});

describe.each(kinds.filter((one) => one === 'bubblewrap'))('a transform in %s', (own) => {
  it('has no network, and sees nothing of ours but jscodeshift and what it needs', async () => {
    kind = own;
    write('a.js', 'old');
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const text = `const fs = require('fs');
      module.exports = async () => {
        const connected = await new Promise((done) => require('net').connect(${port}, '127.0.0.1')
          .on('connect', () => done('connected')).on('error', (error) => done(error.code)));
        const seen = ['typeorm', 'pg', 'jscodeshift'].filter((name) => fs.existsSync('${join(process.cwd(), 'node_modules')}/' + name));
        return connected + ' ' + seen;
      }`;
    try {
      expect((await report(['a.js'], text)).changed).toEqual(['a.js']);
    } finally {
      server.close();
    }
    expect(read('a.js')).toBe('ECONNREFUSED jscodeshift');
  });
});
