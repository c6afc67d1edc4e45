export type RepoScheme = 'file' | 'https' | 'ssh' | 'http';

/** What a plan may name as its repository. */
export interface AllowedRemotes {
  schemes: readonly RepoScheme[];
  /** Host names, `host:port`, or `*.example.com`; null allows any. Local folders have no host. */
  hosts: readonly string[] | null;
}

export const defaultAllowedRemotes: AllowedRemotes = { schemes: ['file', 'https', 'ssh'], hosts: null };

export interface RepoUrl {
  scheme: RepoScheme;
  /** `example.com` or `example.com:8443`; null for local folders. */
  host: string | null;
  /** What git is given: an absolute folder, or a URL without a password. */
  url: string;
}

/** Why a repository URL is refused; the message says what to do. */
export class RepoUrlError extends Error {
  readonly code = 'REPO_URL';
  readonly retry = 'never';
  override readonly name = 'RepoUrlError';
  constructor(
    /** The URL as safe to show. */
    readonly url: string,
    readonly problem: string,
    readonly advice: string,
  ) {
    super(`Repository ${JSON.stringify(url)}: ${problem}. ${advice}`);
  }
}

/**
 * Reads a repository URL as written in a plan: an absolute folder or `file://`, `https://`, `ssh://`, or
 * `git@host:path`. Anything else, and what the host's owner did not allow, throws `RepoUrlError`.
 */
export function parseRepoUrl(text: string, allowed: AllowedRemotes = defaultAllowedRemotes): RepoUrl {
  const shown = showable(text);
  const refuse = (problem: string, advice: string): never => {
    throw new RepoUrlError(shown, problem, advice);
  };
  // eslint-disable-next-line no-control-regex -- what must not reach a command line
  if (/[\u0000-\u0020\u007f-\u009f]/.test(text)) {
    // A blank is fine in a folder's name, and nowhere else.
    // eslint-disable-next-line no-control-regex
    if (!text.startsWith('/') || /[\u0000-\u001f\u007f-\u009f]/.test(text)) {
      return refuse('it contains blanks or control characters', 'Write blanks of a URL as %20');
    }
  }
  if (text === '' || text.length > 2_048)
    return refuse('it is empty or too long', 'Give a folder or a git URL');
  if (text.startsWith('-')) return refuse('it begins with a dash', 'Give an absolute folder or a git URL');
  const transport = /^([A-Za-z0-9+.-]*)::/.exec(text);
  if (transport) {
    return refuse(`"${transport[1]}::" asks git to run a helper program`, 'Use https, ssh or a local folder');
  }
  const parsed = readUrl(text, refuse);
  if (!allowed.schemes.includes(parsed.scheme)) {
    const names = allowed.schemes.map((s) => (s === 'file' ? 'local folders' : s)).join(', ');
    return refuse(
      `${parsed.scheme === 'file' ? 'local folders are' : `${parsed.scheme} is`} not allowed here`,
      `This worker allows: ${names}`,
    );
  }
  if (
    parsed.host !== null &&
    allowed.hosts !== null &&
    !allowed.hosts.some((h) => hostMatches(parsed.host!, h))
  ) {
    return refuse(
      `the host ${parsed.host} is not allowed here`,
      `This worker allows: ${allowed.hosts.join(', ')}`,
    );
  }
  return parsed;
}

type Refuse = (problem: string, advice: string) => never;

function readUrl(text: string, refuse: Refuse): RepoUrl {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'file') return readFileUrl(text, refuse);
  if (scheme === 'https' || scheme === 'http' || scheme === 'ssh') return readHostUrl(text, scheme, refuse);
  if (scheme !== undefined)
    return refuse(`git cannot use "${scheme}://" here`, 'Use https, ssh or a local folder');
  if (text.startsWith('/')) return { scheme: 'file', host: null, url: tidyFolder(text, refuse) };
  const scp = /^(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9.-]+):(?!\/\/)(.+)$/.exec(text);
  if (scp) return readScp(text, { user: scp[1], host: scp[2]!, path: scp[3]! }, refuse);
  return refuse(
    'it is neither an absolute folder nor a git URL',
    'Give the whole path, e.g. /home/me/project',
  );
}

function readFileUrl(text: string, refuse: Refuse): RepoUrl {
  let url: URL;
  let folder: string;
  try {
    url = new URL(text);
    folder = decodeURIComponent(url.pathname);
  } catch {
    return refuse('it is not a valid file URL', 'Write file:///absolute/path');
  }
  if (url.host !== '' && url.host !== 'localhost')
    return refuse('a file URL has no host', 'Write file:///absolute/path');
  return { scheme: 'file', host: null, url: tidyFolder(folder, refuse) };
}

function tidyFolder(folder: string, refuse: Refuse): string {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(folder))
    return refuse('it contains control characters', 'Rename the folder');
  if (folder.split('/').includes('..')) return refuse('it contains ".."', 'Write the folder without it');
  return folder.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
}

function readHostUrl(text: string, scheme: 'https' | 'http' | 'ssh', refuse: Refuse): RepoUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refuse('it is not a valid URL', `Write ${scheme}://host/path`);
  }
  if (url.password !== '') {
    return refuse('it contains a password', 'Take it out and give it to the worker as its git credential');
  }
  const user = decodeURIComponent(url.username);
  if (user !== '' && !/^[A-Za-z0-9][A-Za-z0-9._@-]*$/.test(user))
    return refuse('its user name is odd', 'Leave it out');
  if (!/^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i.test(url.hostname)) {
    return refuse('its host name is odd', `Write ${scheme}://host/path`);
  }
  if (url.pathname.length < 2) return refuse('it names no repository', `Write ${scheme}://host/path`);
  if (url.search !== '' || url.hash !== '')
    return refuse('it has a query or a fragment', 'Leave that part out');
  if (url.pathname.startsWith('/-'))
    return refuse('its path begins with a dash', 'Give the path of the repository');
  const at = url.username === '' ? '' : `${url.username}@`;
  return {
    scheme,
    host: url.host.toLowerCase(),
    url: `${scheme}://${at}${url.host.toLowerCase()}${url.pathname}`,
  };
}

function readScp(
  text: string,
  parts: { user: string | undefined; host: string; path: string },
  refuse: Refuse,
): RepoUrl {
  if (parts.host.startsWith('-') || parts.user?.startsWith('-') === true || parts.path.startsWith('-')) {
    return refuse('a part of it begins with a dash', 'Write git@host:path');
  }
  if (parts.user === undefined && parts.host.length === 1) {
    return refuse('it looks like a Windows drive', 'On Windows, run Skein in WSL2 and give the path there');
  }
  const host = parts.host.toLowerCase();
  const at = parts.user === undefined ? '' : `${parts.user}@`;
  return { scheme: 'ssh', host, url: `${at}${host}:${text.slice(text.indexOf(':') + 1)}` };
}

function hostMatches(host: string, pattern: string): boolean {
  const wanted = pattern.toLowerCase();
  const bare = host.replace(/:\d+$/, '');
  if (wanted.startsWith('*.')) return bare.endsWith(wanted.slice(1)) && bare.length > wanted.length - 1;
  return wanted === host || wanted === bare;
}

function showable(text: string): string {
  return (
    text
      .slice(0, 300)
      .replace(/(:\/\/[^/@:]*):[^@]*@/, '$1:***@')
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
  );
}
