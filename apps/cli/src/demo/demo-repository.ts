import { join } from 'node:path';
import { simpleGit, type SimpleGit } from 'simple-git';

/**
 * A bare repository made from the demo's service, as a team would have it on its server. Works with an empty HOME
 * and leaves the user's own git configuration out of it.
 */
export class DemoRepository {
  private constructor(
    readonly path: string,
    private readonly repository: SimpleGit,
  ) {}

  static async create(o: { folder: string; service: string; searchPath: string }): Promise<DemoRepository> {
    const path = join(o.folder, 'service.git');
    const environment = {
      PATH: o.searchPath,
      HOME: o.folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'Parcel Desk',
      GIT_AUTHOR_EMAIL: 'desk@parcels.example',
      GIT_AUTHOR_DATE: '2026-01-05T09:00:00Z',
      GIT_COMMITTER_NAME: 'Parcel Desk',
      GIT_COMMITTER_EMAIL: 'desk@parcels.example',
      GIT_COMMITTER_DATE: '2026-01-05T09:00:00Z',
      GIT_INDEX_FILE: join(o.folder, 'demo.index'),
    };
    const git = simpleGit({
      baseDir: o.folder,
      timeout: { block: 60_000 },
      // Our own, empty configuration instead of the user's.
      allowEnvironment: Object.keys(environment),
      unsafe: { allowUnsafeConfigPaths: true },
    }).env(environment);
    await git.raw(['init', '--quiet', '--bare', '--initial-branch=main', path]);
    const repository = new DemoRepository(path, git);
    await git.cwd(o.service);
    await repository.git([
      '-c',
      'core.bare=false',
      `--work-tree=${o.service}`,
      'add',
      '--all',
      '--force',
      '.',
    ]);
    const tree = await repository.git(['write-tree']);
    const commit = await repository.git(['commit-tree', tree, '-m', 'Answer where a parcel is']);
    await repository.git(['update-ref', 'refs/heads/main', commit]);
    return repository;
  }

  /** What a branch changes against main, file by file. */
  async diffstat(branch: string): Promise<string> {
    return this.git(['diff', '--no-color', '--stat=90', `main...refs/heads/${branch}`]);
  }

  /** The newest commit of a branch: subject and trailers. */
  async headMessage(branch: string): Promise<string> {
    return this.git(['log', '-1', '--no-color', '--format=%h %s%n%n%b', `refs/heads/${branch}`]);
  }

  private async git(args: string[]): Promise<string> {
    return (await this.repository.raw([`--git-dir=${this.path}`, ...args])).trimEnd();
  }
}
