import { removeTree } from '#sandbox';
import type { Logger } from '#telemetry';
import type { Mirror, Worktree } from '#workspace';
import type { LeaseDirs } from './lease-dirs.ts';

/**
 * The worktree of one lease and the commit that it stands for. Whatever a step did to it, `begin` gives files that hold
 * exactly the commit to go on from: reset, or made anew when there is rubble or git stumbles over what is left.
 */
export class LeaseWorktree {
  #files: Worktree | null = null;
  #isSetUp = false;
  #rubble = false;

  constructor(
    private readonly o: {
      mirror: Mirror;
      dirs: LeaseDirs;
      /** The commit that the first attempt begins from. */
      sha: string;
      /** An agent goes on from the last commit that was kept; recipes begin at `sha` each time. */
      goesOn: boolean;
      log: Logger;
    },
  ) {}

  /** Set-up is done and what it left is still there. */
  get isSetUp(): boolean {
    return this.#isSetUp;
  }

  async begin(): Promise<Worktree> {
    if (this.#files !== null && !this.#rubble) {
      try {
        await this.#files.resetTo(this.o.sha);
        return this.#files;
      } catch (error) {
        // Folders without permission, trees too deep: a step can make any reset fail.
        this.o.log.warn({ err: error }, 'a worktree could not be reset and is made anew');
      }
    }
    await this.remove();
    await this.o.dirs.make();
    this.#rubble = false;
    this.#files = await this.o.mirror.checkout(this.o.dirs.root, this.o.sha);
    return this.#files;
  }

  /** This commit is what the next attempt goes on from, if it goes on. */
  keep(sha: string): void {
    if (this.o.goesOn) this.o.sha = sha;
  }

  /** The files are not worth a look: the next attempt gets new ones. */
  markRubble(): void {
    this.#rubble = true;
    this.#isSetUp = false;
  }

  /** What set-up changed in files that git does not ignore is put back; how many they were. */
  async finishSetup(files: Worktree): Promise<number> {
    const changes = await files.changes(files.head(), await files.snapshot());
    if (changes.length > 0) await files.resetTo(files.head());
    this.#isSetUp = true;
    return changes.length;
  }

  async remove(): Promise<void> {
    const files = this.#files;
    this.#files = null;
    this.#isSetUp = false;
    if (files === null) return;
    await removeTree(files.path);
    await files.remove();
  }
}
