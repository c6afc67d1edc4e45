/** The branches of all repositories. Everything that is asked of it happens at once: git is not what is on trial. */
export class GitRemote {
  private readonly heads = new Map<string, string>();

  head(repository: string, branch: string): string | null {
    return this.heads.get(`${repository} ${branch}`) ?? null;
  }

  /** By compare-and-swap, and harmless when it is done already. False: somebody else's head is there. */
  publish(repository: string, branch: string, sha: string, expectedOld: string | null): boolean {
    const head = this.head(repository, branch);
    if (head === sha) return true;
    if (head !== expectedOld) return false;
    this.heads.set(`${repository} ${branch}`, sha);
    return true;
  }
}
