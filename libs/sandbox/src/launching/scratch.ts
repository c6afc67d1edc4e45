import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOf } from '../processes/process-table.ts';
import { removeTree } from './remove-tree.ts';

/** Folders and files of one run, removed at its end. */
export class Scratch {
  /** Home of a run that brings none. */
  readonly home: string;
  /** Private /tmp. */
  readonly tmp: string;
  /** Private /dev/shm. */
  readonly shm: string;
  /** Made by us, for the program to read. */
  readonly etc: string;

  private constructor(readonly dir: string) {
    this.home = join(dir, 'home');
    this.tmp = join(dir, 'tmp');
    this.shm = join(dir, 'shm');
    this.etc = join(dir, 'etc');
  }

  /** What the program may fill. */
  get writable(): string[] {
    return [this.home, this.tmp, this.shm];
  }

  static async create(root: string): Promise<Scratch> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    const scratch = new Scratch(
      await mkdtemp(join(root, `run-${process.pid}-${startOf(process.pid) ?? 0}-`)),
    );
    for (const dir of [...scratch.writable, scratch.etc]) await mkdir(dir, { mode: 0o700 });
    await writeFile(join(scratch.etc, 'passwd'), PASSWD);
    await writeFile(join(scratch.etc, 'group'), GROUP);
    await writeFile(join(scratch.etc, 'hosts'), HOSTS);
    await writeFile(join(scratch.etc, 'empty'), '');
    return scratch;
  }

  /** What workers that were killed left. Another worker may use the same root: its runs stay. */
  static async sweep(root: string): Promise<void> {
    const names = await readdir(root).catch(() => []);
    for (const name of names) {
      const [, pid, start] = /^run-(\d+)-(\d+)-/.exec(name) ?? [];
      if (pid === undefined || isAlive(Number(pid), start ?? '0')) continue;
      await removeTree(join(root, name)).catch(() => undefined);
    }
  }

  remove(): Promise<void> {
    return removeTree(this.dir);
  }
}

function isAlive(pid: number, start: string): boolean {
  if (pid === process.pid) return true;
  if (start !== '0') return startOf(pid) === start;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

// Programs that ask who they are (Node's os.userInfo) must find an answer; the host's users are none of their business.
const PASSWD = `root:x:0:0:root:/root:/bin/sh
skein:x:1000:1000:skein:/home/skein:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
`;
const GROUP = `root:x:0:
skein:x:1000:
nogroup:x:65534:
`;
const HOSTS = `127.0.0.1 localhost skein
::1 localhost ip6-localhost
`;
