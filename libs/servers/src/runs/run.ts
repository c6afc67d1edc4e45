import { randomBytes } from 'node:crypto';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '#telemetry';
import type { ClaimedDir } from '../data-dir.ts';
import type { NatsServer } from '../nats/nats-server.ts';
import type { PostgresServer } from '../postgres/postgres-server.ts';
import { folderMode } from '../postgres/unprivileged.ts';
import { identify } from '../processes.ts';
import { EPHEMERAL_PREFIX, removeFolders, stopChildren } from './leftovers.ts';
import { recordPath, writeRecord, type RunChild, type RunRecord } from './run-record.ts';

/** A live run of this process. Everything it is told of is gone after `end()`, or after the next launcher's sweep. */
export class Run {
  private writing: Promise<void> = Promise.resolve();
  private ending: Promise<void> | undefined;

  constructor(
    private readonly baseDir: string,
    private readonly record: RunRecord,
    private readonly claim: ClaimedDir | null,
    private readonly log: Logger,
  ) {}

  get id(): string {
    return this.record.id;
  }

  /** Absolute; null for a run without one. */
  get dataDir(): string | null {
    return this.record.dataDir;
  }

  /** A new empty folder, not readable for others, in the temporary folder, written down before it is made. */
  async ephemeralDir(name: string): Promise<string> {
    const parent = await realpath(tmpdir());
    const path = join(parent, `${EPHEMERAL_PREFIX}${name}-${randomBytes(6).toString('hex')}`);
    this.record.ephemeral.push(path);
    await this.write();
    await mkdir(path, { mode: await folderMode() });
    return path;
  }

  async addPostgres(server: PostgresServer): Promise<void> {
    await this.addProcess('postgres', server.pid, server.dataDir);
  }

  async addNats(server: NatsServer): Promise<void> {
    if (server.container === null) return this.addProcess('nats', server.pid, server.storeDir);
    await this.add({ role: 'nats-container', docker: server.container.docker, folder: server.storeDir });
  }

  /** A coordinator or worker that this launcher started. */
  async addProgram(pid: number): Promise<void> {
    await this.addProcess('program', pid, null);
  }

  /** It has ended; keeps the record small when programs are started again and again. */
  async removeProgram(pid: number): Promise<void> {
    this.record.children = this.record.children.filter((child) => !('pid' in child) || child.pid !== pid);
    await this.write();
  }

  /** Stops what still runs, removes the ephemeral folders, gives the data folder back. Bounded; may be repeated. */
  end(): Promise<void> {
    return (this.ending ??= this.finish());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  private async addProcess(
    role: 'postgres' | 'nats' | 'program',
    pid: number,
    folder: string | null,
  ): Promise<void> {
    const identity = await identify(pid);
    if (identity !== null) await this.add({ role, folder, ...identity });
  }

  private async add(child: RunChild): Promise<void> {
    this.record.children.push(child);
    await this.write();
  }

  /** One at a time, so that the last one written is the newest. */
  private write(): Promise<void> {
    this.writing = this.writing.catch(() => undefined).then(() => writeRecord(this.baseDir, this.record));
    return this.writing;
  }

  private async finish(): Promise<void> {
    await stopChildren(this.record.children, this.log);
    await removeFolders(this.record.ephemeral, this.log);
    await this.writing.catch(() => undefined);
    await rm(recordPath(this.baseDir, this.record.id), { force: true });
    await this.claim?.release();
  }
}
