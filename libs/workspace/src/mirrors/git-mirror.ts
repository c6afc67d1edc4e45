import { names, type Logger } from '#telemetry';
import { gitOperation } from '../git/operation.ts';
import { addWorktree } from '../worktrees/adding.ts';
import type { WorktreeParts } from '../worktrees/worktree-parts.ts';
import type { Worktree } from '../worktrees/worktree.ts';
import type { BareRepository } from './bare-repository.ts';
import { countPacks, dropRefs, maintain } from './maintenance.ts';
import { mergeInputs } from './merging.ts';
import type {
  ChangedFile,
  CommitRef,
  Diff,
  DiffOptions,
  MergeInput,
  MergeOptions,
  MergeResult,
  Mirror,
  Page,
  PageResult,
  PublishResult,
  TreeFile,
} from './mirror.ts';
import { publishPage } from './page.ts';
import { checkPushable, deleteRefs, publish, pushPrivate, remoteHead } from './publishing.ts';
import { changedFiles, diffCommits, listTree, readText } from './reading.ts';
import type { Remote } from './remote.ts';
import { ensureCommit, keepRef, resolveBase, type ResolvingParts } from './resolving.ts';

export interface GitMirrorOptions {
  repository: BareRepository;
  remote: Remote;
  /** Makes it, where it is not there any more, and notes that it is in use. */
  prepare: () => Promise<void>;
  /** Where the worktrees' own indexes are. */
  indexDir: string;
  fetchesPerRepack: number;
  log: Logger;
}

/** `Mirror` on real git: each method is one of the modules beside it, with its span. */
export class GitMirror implements Mirror {
  private readonly parts: ResolvingParts;
  private readonly worktreeParts: WorktreeParts;

  constructor(private readonly o: GitMirrorOptions) {
    const { repository, remote, indexDir, log } = o;
    this.parts = { repository, remote, fetching: (fetch) => this.fetching(fetch) };
    this.worktreeParts = { repository, indexDir, log };
  }

  get url(): string {
    return this.o.remote.url;
  }

  get path(): string {
    return this.o.repository.path;
  }

  /** For who opens it again: unused mirrors are removed now and then. */
  async used(): Promise<this> {
    await this.o.prepare();
    return this;
  }

  resolve(base: string): Promise<string> {
    return gitOperation('resolve', {}, () => resolveBase(this.parts, base));
  }

  ensureCommit(commit: CommitRef): Promise<boolean> {
    return ensureCommit(this.parts, commit);
  }

  async listFiles(sha: string): Promise<TreeFile[]> {
    return (await listTree(this.o.repository, sha)).map(({ path, mode }) => ({ path, mode }));
  }

  readText(sha: string, path: string, maxBytes: number): Promise<string | null> {
    return readText(this.o.repository, sha, path, maxBytes);
  }

  checkout(leaseDir: string, sha: string, signal?: AbortSignal): Promise<Worktree> {
    const attributes = { [names.attributes.sha]: sha };
    const parts = { ...this.worktreeParts, signal };
    return gitOperation('checkout', attributes, () => addWorktree(parts, leaseDir, sha));
  }

  mergeInputs(onto: string, inputs: MergeInput[], options: MergeOptions): Promise<MergeResult> {
    return gitOperation('merge', {}, () => mergeInputs(this.o.repository, onto, inputs, options));
  }

  async push(commit: CommitRef): Promise<void> {
    const attributes = { [names.attributes.sha]: commit.sha };
    await gitOperation('push', attributes, () => pushPrivate(this.o.remote, commit));
    await this.tidy();
  }

  publish(branch: string, sha: string, expectedOld: string | null): Promise<PublishResult> {
    const attributes = { [names.attributes.branch]: branch, [names.attributes.sha]: sha };
    return gitOperation('publish', attributes, () => publish(this.parts, branch, sha, expectedOld));
  }

  publishPage(page: Page): Promise<PageResult> {
    const attributes = { [names.attributes.branch]: page.branch };
    return gitOperation('publish', attributes, () => publishPage(this.parts, page));
  }

  remoteHead(ref: string): Promise<string | null> {
    return remoteHead(this.o.remote, ref);
  }

  deleteRefs(prefix: string, keep: string[]): Promise<number> {
    return gitOperation('delete-refs', {}, () => this.deletingRefs(prefix, keep));
  }

  private async deletingRefs(prefix: string, keep: string[]): Promise<number> {
    const { repository, remote } = this.o;
    const deleted = await deleteRefs(remote, prefix, keep);
    if (deleted.length > 0) {
      const kept = deleted.map(keepRef);
      await repository.underLock('drop kept refs', ({ fd }) => dropRefs(repository, kept, fd));
    }
    return deleted.length;
  }

  checkPushable(planId: string): Promise<void> {
    return checkPushable(this.o.repository, this.o.remote, planId);
  }

  diff(from: string, to: string, options?: DiffOptions): Promise<Diff> {
    return gitOperation('diff', {}, () => diffCommits(this.o.repository, from, to, options));
  }

  changedFiles(from: string, to: string): Promise<ChangedFile[]> {
    return changedFiles(this.o.repository, from, to);
  }

  isAncestor(ancestor: string, descendant: string): Promise<boolean> {
    return this.o.repository.isAncestor(ancestor, descendant);
  }

  private fetching(fetch: (lockFd: number) => Promise<boolean>): Promise<boolean> {
    const { repository } = this.o;
    return gitOperation('fetch', {}, () =>
      repository.underLock('fetch', async ({ fd }) => {
        const found = await fetch(fd);
        await this.maintain(fd);
        return found;
      }),
    );
  }

  /** Each commit of a lease comes as a pack of its own: on a host that never fetches somebody has to put them together. */
  private async tidy(): Promise<void> {
    const { repository, fetchesPerRepack } = this.o;
    if ((await countPacks(repository)) < fetchesPerRepack) return;
    await repository.underLock('repack', ({ fd }) => this.maintain(fd)).catch(() => undefined);
  }

  /** What was fetched or pushed is good whether or not tidying works. */
  private async maintain(lockFd: number): Promise<void> {
    const { repository, fetchesPerRepack, log } = this.o;
    await maintain(repository, fetchesPerRepack, lockFd).catch((error: unknown) =>
      log.warn({ error: String(error), mirror: repository.path }, 'a mirror could not be repacked'),
    );
  }
}
