import { execFile, spawn } from 'node:child_process';
import { chmod, chown, copyFile, cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findNatsServer } from '#servers';
import { silentLogger } from '#telemetry';
import { PACKAGE, Started } from './own-machine.ts';

const run = promisify(execFile);
const TEST_MS = 240_000;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
/** What the built programs need of the checkout. */
const PARTS = ['package.json', 'bin', 'dist', 'apps/cli/demo'];

/** Of root: an ordinary user. An ordinary user stays who it is. */
const asUser = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'] : [];

/** A network of its own with nothing in it but loopback. */
const offline = ((): string[] => {
  const loopback =
    'import fcntl,socket,struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))';
  const up = `ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null || python3 -c '${loopback}'; exec "$@"`;
  if (isRoot) return ['unshare', '--net', '--', 'sh', '-c', up, 'sh'];
  // Bringing it up takes the root of a user namespace; Postgres does not start as that, so it is given up again.
  const again = [
    'unshare',
    '--user',
    `--map-user=${process.getuid?.()}`,
    `--map-group=${process.getgid?.()}`,
    '--',
  ];
  return ['unshare', '--user', '--map-root-user', '--net', '--', 'sh', '-c', up, 'sh', ...again];
})();

describe('the built demo in the hands of an ordinary user', () => {
  let folder: string;
  let checkout: string;
  let node: string;
  let env: Record<string, string>;

  async function succeeds(command: string[]): Promise<boolean> {
    const [program, ...args] = command;
    return run(program!, args, { cwd: '/' }).then(
      () => true,
      () => false,
    );
  }

  async function reaches(root: string): Promise<boolean> {
    const wanted = [
      'node_modules/pg/package.json',
      'dist/apps/cli/src/demo/main.js',
      'apps/cli/demo/plan.yaml',
    ];
    const readable = wanted.flatMap((path, index) => [...(index ? ['-a'] : []), '-r', join(root, path)]);
    return succeeds([...asUser, 'test', ...readable]);
  }

  /** A checkout in a folder that only its owner can enter, where the user can. */
  async function copyCheckout(to: string): Promise<void> {
    for (const part of PARTS) await cp(join(PACKAGE, part), join(to, part), { recursive: true });
    await run('chmod', ['-R', 'a+rX', to]);
    const [from, modules] = [PACKAGE, to].map((root) => join(root, 'node_modules')) as [string, string];
    // Hard links where they can be made: the installed packages are large. They have the modes of the original.
    if ((await succeeds(['cp', '-al', from, modules])) && (await reaches(to))) return;
    await rm(modules, { recursive: true, force: true });
    await run('cp', ['-a', from, modules]);
    await run('chmod', ['-R', 'a+rX', modules]);
  }

  beforeAll(async () => {
    // Not below the tests' own folder: that one is for its owner only.
    folder = await mkdtemp(join(isRoot ? '/tmp' : tmpdir(), 'skein-plain-user-'));
    const [home, temp, cache, bin] = ['home', 'tmp', 'cache', 'bin'].map((name) => join(folder, name));
    for (const path of [home!, temp!, cache!, bin!]) await mkdir(path, { mode: 0o700 });
    const nats = await findNatsServer({ log: silentLogger });
    if (nats.kind === 'binary') {
      await copyFile(nats.path, join(bin!, 'nats-server'));
      await chmod(join(bin!, 'nats-server'), 0o755);
    }
    if (isRoot) for (const path of [folder, home!, temp!, cache!]) await chown(path, NOBODY, NOBODY);
    await chmod(bin!, 0o755);

    checkout = PACKAGE;
    if (!(await reaches(PACKAGE))) {
      checkout = join(folder, 'checkout');
      await copyCheckout(checkout);
    }
    node = process.execPath;
    // By way of a shell: setpriv itself still has root's rights when it looks for the program.
    if (!(await succeeds([...asUser, 'sh', '-c', '"$0" --version', node]))) {
      node = join(bin!, 'node');
      await copyFile(process.execPath, node);
    }
    env = {
      PATH: [bin!, dirname(node), process.env['PATH']].join(delimiter),
      HOME: home!,
      TMPDIR: temp!,
      SKEIN_CACHE_DIR: cache!,
      LANG: 'C.UTF-8',
      SKEIN_PORT: '18070',
    };
  }, TEST_MS);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Whether this machine can make such a network: exactly one interface, and that one up. */
  async function offlineWorks(): Promise<boolean> {
    const probe = `process.exit(Object.keys(require('os').networkInterfaces()).join() === 'lo' ? 0 : 1)`;
    return succeeds([...offline, ...asUser, node, '-e', probe]);
  }

  async function demo(prefix: string[]): Promise<void> {
    const main = join(checkout, 'dist/apps/cli/src/demo/main.js');
    const [program, ...args] = [...prefix, node, main];
    const child = spawn(program, args, {
      cwd: checkout,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: 100_000,
    });
    const { code, output } = await new Started(child).ended;
    expect(output).toMatch(/completed/);
    expect(output).toContain('The branch skein/callbacks-to-promises');
    expect(output).toMatch(/10 files changed/);
    expect(output).toMatch(/verified: \d+ events, anchored at event \d+ by commit [0-9a-f]{12}/);
    expect(code).toBe(0);
    expect(await readdir(env['TMPDIR']!)).toEqual([]);
  }

  it(
    'ends with 0 and the same output, without root',
    async () => {
      const { stdout } = await run('env', [...asUser, node, '-p', 'process.getuid()']);
      expect(Number(stdout)).not.toBe(0);
      // As an ordinary user the demo's own tests have shown the rest.
      if (isRoot) await demo(asUser);
    },
    TEST_MS,
  );

  it(
    'needs no network once the caches are warm',
    async () => {
      if (await offlineWorks()) await demo([...offline, ...asUser]);
      else
        console.warn('NOT SHOWN: this machine cannot make a network namespace with loopback (unshare, ip)');
    },
    TEST_MS,
  );
});
