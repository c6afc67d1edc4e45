import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FROZEN_ROOT, REPOSITORY, type Stage } from './frozen-plans.ts';
import { restoreRows } from './ledger-rows.ts';
import { Programs } from './programs.ts';

const run = promisify(execFile);

/** A landed version, as freeze.ts left it. */
export class FrozenVersion {
  private readonly folder: string;

  constructor(name: string) {
    this.folder = join(import.meta.dirname, name);
  }

  /** Its built programs, in a folder of the caller's. */
  programs(folder: string): Promise<Programs> {
    return Programs.unpack(join(this.folder, 'built.tar.gz'), folder);
  }

  /** Ids of its plans. */
  async plans(): Promise<Record<Stage, string>> {
    return JSON.parse(await readFile(join(this.folder, 'plans.json'), 'utf8')) as Record<Stage, string>;
  }

  rows(): Promise<string> {
    return readFile(join(this.folder, 'ledger.sql'), 'utf8');
  }

  /** Its ledger, into an empty database: the schema by its own migrations, then its rows. */
  async restoreLedger(adminUrl: string, programs: Programs): Promise<void> {
    await programs.migrate(adminUrl);
    await restoreRows(adminUrl, await this.rows());
  }

  /** Its streams, for a nats-server that is not running yet. */
  async restoreStreams(storeDir: string): Promise<void> {
    await mkdir(storeDir, { recursive: true });
    await run('tar', ['-xzf', join(this.folder, 'jetstream.tar.gz'), '-C', storeDir]);
  }

  /** At the place that the plans name, so one test at a time. Give it back with `removeRepository`. */
  async restoreRepository(): Promise<void> {
    await this.removeRepository();
    await mkdir(FROZEN_ROOT);
    await run('git', ['init', '-q', '--bare', '-b', 'main', REPOSITORY]);
    const bundle = join(this.folder, 'repository.bundle');
    await run('git', ['-C', REPOSITORY, 'fetch', '-q', '--update-head-ok', bundle, '+refs/*:refs/*']);
  }

  async removeRepository(): Promise<void> {
    await rm(FROZEN_ROOT, { recursive: true, force: true });
  }

  async show(branch: string, path: string): Promise<string> {
    return (await run('git', ['-C', REPOSITORY, 'show', `refs/heads/${branch}:${path}`])).stdout;
  }
}
