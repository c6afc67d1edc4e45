import { setTimeout as delay } from 'node:timers/promises';
import type { GitAnswer } from '../git/git.ts';
import type { GitCredentials } from '../git/git-credentials.ts';
import { classifyFailure } from '../git/failure.ts';
import { GitError } from '../git/git-error.ts';
import type { RepoUrl } from '../urls/repo-url.ts';
import type { BareRepository } from './bare-repository.ts';

export interface RemoteOptions {
  url: RepoUrl;
  credentials: GitCredentials | null;
  /** The askpass program of `GitHome`. */
  askpass: string;
  /** The program to run at the other end of a local folder. */
  gitPath: string;
  /** The first redirect of a web server is followed; where hosts are restricted, none. */
  followRedirects: boolean;
  timeoutMs: number;
  /** Flags for the first fetch of commits, such as a depth. */
  firstFetch: readonly string[];
}

export interface PushUpdate {
  ref: string;
  /** null deletes. */
  sha: string | null;
  /** What the ref must be at the remote; null: absent. */
  expectedOld: string | null;
}

export type PushVerdict =
  | { status: 'done' }
  /** The ref was not what we expected. */
  | { status: 'stale' }
  | { status: 'refused'; words: string };

/** The git server's side of a mirror: one protocol, our credentials, nothing else. */
export class Remote {
  private begun = false;

  constructor(
    private readonly repository: BareRepository,
    private readonly o: RemoteOptions,
  ) {}

  get url(): string {
    return this.o.url.url;
  }

  get isLocal(): boolean {
    return this.o.url.scheme === 'file';
  }

  /** Refs by full name. A tag comes with its commit as `<name>^{}`. Patterns as in `git ls-remote`. */
  async list(patterns: readonly string[]): Promise<Map<string, string>> {
    const args = ['ls-remote', ...this.uploadPack(), '--', this.url, ...patterns];
    const answer = await this.repeated(() => this.call('ask the remote', args));
    const refs = new Map<string, string>();
    for (const line of answer.stdout.toString('utf8').split('\n')) {
      const [sha, name] = line.split('\t');
      if (sha && name) refs.set(name, sha);
    }
    return refs;
  }

  /** As `fetch`, for single commits; the first that comes is fetched with the flags for it. */
  async fetchCommits(refspecs: readonly string[], lockFd: number): Promise<boolean> {
    const found = await this.fetch(refspecs, lockFd, this.begun ? [] : this.o.firstFetch);
    if (found) this.begun = true;
    return found;
  }

  /** Under the mirror's lock only: it writes refs. False when the remote does not have one of the sources. */
  async fetch(refspecs: readonly string[], lockFd: number, more: readonly string[] = []): Promise<boolean> {
    const flags = [
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--no-recurse-submodules',
      '--quiet',
      // People's clones may be shallow: then the mirror is, too.
      '--update-shallow',
      ...more,
    ];
    const args = ['fetch', ...flags, ...this.uploadPack(), '--', this.url, ...refspecs];
    try {
      await this.repeated(() => this.call('fetch', args, lockFd));
      return true;
    } catch (error) {
      const words = error instanceof GitError ? error.stderr : '';
      if (/couldn't find remote ref|not our ref|upload-pack: not our ref|unadvertised object/i.test(words))
        return false;
      throw error;
    }
  }

  /** One push of all updates; each is a compare-and-swap. In the order of the updates. */
  async push(updates: readonly PushUpdate[]): Promise<PushVerdict[]> {
    const leases = updates.map((u) => `--force-with-lease=${u.ref}:${u.expectedOld ?? ''}`);
    const flags = [
      '--porcelain',
      '--no-verify',
      '--no-signed',
      '--no-follow-tags',
      '--recurse-submodules=no',
    ];
    const receive = this.isLocal ? [`--receive-pack=${this.localGit()} receive-pack`] : [];
    const specs = updates.map((u) => `${u.sha ?? ''}:${u.ref}`);
    const args = ['push', ...flags, ...receive, ...leases, '--', this.url, ...specs];
    const answer = await this.repeated(() => this.pushOnce(args));
    return updates.map((update) => verdictOf(answer, update.ref));
  }

  private async pushOnce(args: string[]): Promise<GitAnswer> {
    const answer = await this.call('push', args, undefined, [0, 1, 128]);
    const said = answer.stdout.toString('utf8');
    const perRef = /^[ +*!=-]\t/m.test(said);
    const code = classifyFailure(`${said}\n${answer.stderr}`);
    // A lock in the way may be gone the next moment. Without a line per ref, the push as a whole failed.
    if (perRef && !(code === 'GIT_LOCKED' && /^!/m.test(said))) return answer;
    throw new GitError(code, 'push', answer.stderr, answer.exitCode);
  }

  /** Lock races at the remote pass in milliseconds; everything else is the caller's to repeat. */
  private async repeated<T>(attempt: () => Promise<T>): Promise<T> {
    for (let turn = 1; ; turn++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof GitError) || error.code !== 'GIT_LOCKED' || turn === 4) throw error;
        await delay(50 * 2 ** turn * Math.random());
      }
    }
  }

  private async call(
    action: string,
    args: string[],
    lockFd?: number,
    answers?: number[],
  ): Promise<GitAnswer> {
    return this.repository.run({
      action,
      args: [...this.configuration(), ...args],
      env: this.environment(),
      secrets: this.secrets(),
      timeoutMs: this.o.timeoutMs,
      ...(lockFd === undefined ? {} : { lockFd }),
      ...(answers === undefined ? {} : { answers }),
    });
  }

  private uploadPack(): string[] {
    return this.isLocal ? [`--upload-pack=${this.localGit()} upload-pack`] : [];
  }

  /** Git at the other end of a local folder. `-c` beats that repository's own config, where programs can be named. */
  private localGit(): string {
    const settings = [
      'core.hooksPath=/dev/null',
      'core.fsmonitor=false',
      'core.alternateRefsCommand=true',
      'receive.denyCurrentBranch=refuse',
      'receive.autogc=false',
      'gc.auto=0',
    ];
    return [shellWord(this.o.gitPath), ...settings.flatMap((setting) => ['-c', setting])].join(' ');
  }

  private configuration(): string[] {
    return ['-c', `http.followRedirects=${this.o.followRedirects ? 'initial' : 'false'}`];
  }

  private environment(): Record<string, string> {
    const { scheme, host } = this.o.url;
    const base = { GIT_ALLOW_PROTOCOL: scheme };
    if (scheme === 'file') return base;
    if (scheme === 'ssh') return { ...base, GIT_SSH_COMMAND: this.sshCommand(), GIT_SSH_VARIANT: 'ssh' };
    const credentials = this.o.credentials;
    if (credentials?.kind === 'token') {
      return {
        ...base,
        GIT_ASKPASS: this.o.askpass,
        SKEIN_GIT_PROTOCOL: scheme,
        SKEIN_GIT_HOST: host ?? '',
        SKEIN_GIT_USERNAME: credentials.username,
        SKEIN_GIT_TOKEN: credentials.token,
      };
    }
    if (credentials?.kind === 'credential-helper') {
      return {
        ...credentials.env,
        ...base,
        GIT_CONFIG_COUNT: '2',
        GIT_CONFIG_KEY_0: 'credential.helper',
        GIT_CONFIG_VALUE_0: '',
        GIT_CONFIG_KEY_1: 'credential.helper',
        GIT_CONFIG_VALUE_1: credentials.command,
      };
    }
    return base;
  }

  private sshCommand(): string {
    const key = this.o.credentials?.kind === 'ssh-key' ? this.o.credentials : null;
    const options = [
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      'IdentitiesOnly=yes',
      'IdentityAgent=none',
      'ForwardAgent=no',
      'ClearAllForwardings=yes',
      'ControlMaster=no',
      'ControlPath=none',
      'ConnectTimeout=20',
      'ServerAliveInterval=15',
      'ServerAliveCountMax=4',
      `UserKnownHostsFile=${sshPath(key?.knownHosts ?? '/dev/null')}`,
      'GlobalKnownHostsFile=/dev/null',
      // Without a key of ours nobody else's is tried.
      `IdentityFile=${sshPath(key?.path ?? '/dev/null')}`,
    ];
    return ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', shellWord(option)])].join(' ');
  }

  private secrets(): string[] {
    return this.o.credentials?.kind === 'token' ? [this.o.credentials.token] : [];
  }
}

/** ssh expands `%` and splits at blanks in these options. */
function sshPath(path: string): string {
  return `"${path.replaceAll('%', '%%').replaceAll('"', '\\"')}"`;
}

function shellWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function verdictOf(answer: GitAnswer, ref: string): PushVerdict {
  for (const line of answer.stdout.toString('utf8').split('\n')) {
    const [flag, refs, summary = ''] = line.split('\t');
    if (refs === undefined || refs.slice(refs.indexOf(':') + 1) !== ref) continue;
    if (flag !== '!') return { status: 'done' };
    if (
      /stale info|already exists|fetch first|non-fast-forward|remote ref does not exist|incorrect old value/i.test(
        summary,
      )
    ) {
      return { status: 'stale' };
    }
    return { status: 'refused', words: `${summary}\n${answer.stderr}`.trim() };
  }
  throw new GitError(
    'GIT_FAILED',
    'push',
    `the push said nothing about ${ref}\n${answer.stderr}`,
    answer.exitCode,
  );
}
