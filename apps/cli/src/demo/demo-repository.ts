import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A bare repository made from the demo's service, as a team would have it on its server. Works with an empty HOME
 * and leaves the user's own git configuration out of it.
 */
export class DemoRepository {
  private constructor(
    readonly path: string,
    private readonly env: Record<string, string>,
  ) {}

  static async create(o: { folder: string; service: string; searchPath: string }): Promise<DemoRepository> {
    const repository = new DemoRepository(join(o.folder, 'service.git'), {
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
    });
    await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository.path], {
      env: repository.env,
    });
    await repository.git(
      ['-c', 'core.bare=false', `--work-tree=${o.service}`, 'add', '--all', '--force', '.'],
      o.service,
    );
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

  private async git(args: string[], cwd?: string): Promise<string> {
    const options = {
      env: this.env,
      maxBuffer: 4 * 1024 * 1024,
      timeout: 60_000,
      ...(cwd === undefined ? {} : { cwd }),
    };
    const { stdout } = await run('git', [`--git-dir=${this.path}`, ...args], options);
    return stdout.trimEnd();
  }
}
