import { parseRepoUrl, RepoUrlError, type AllowedRemotes } from './repo-url.ts';

const all: AllowedRemotes = { schemes: ['file', 'https', 'http', 'ssh'], hosts: null };

describe('a repository URL', () => {
  it.each([
    ['/srv/x', 'file', null, '/srv/x'],
    ['/srv//x y/', 'file', null, '/srv/x y'],
    ['file:///srv/x%20y', 'file', null, '/srv/x y'],
    ['https://Example.com/team/x.git', 'https', 'example.com', 'https://example.com/team/x.git'],
    ['https://me@example.com:8443/x', 'https', 'example.com:8443', 'https://me@example.com:8443/x'],
    ['ssh://git@example.com:2222/x', 'ssh', 'example.com:2222', 'ssh://git@example.com:2222/x'],
    ['git@example.com:team/x.git', 'ssh', 'example.com', 'git@example.com:team/x.git'],
  ])('%s is taken', (text, scheme, host, url) => {
    expect(parseRepoUrl(text, all)).toEqual({ scheme, host, url });
  });

  it.each([
    ['', /empty/],
    ['ext::sh -c "touch x"', /control characters|helper program/],
    ['ext::sh', /helper program/],
    ['fd::17', /helper program/],
    ['::x', /helper program/],
    ['-oProxyCommand=x', /begins with a dash/],
    ['--upload-pack=x', /begins with a dash/],
    ['ssh://-oProxyCommand=x/y', /host name|valid URL/],
    ['git@-oProxyCommand=x:y', /neither|dash/],
    ['-x@host:y', /dash/],
    ['host:-x', /dash/],
    ['git@host:-x', /dash/],
    ['https://host/-x', /dash/],
    ['https://user:secret@host/x', /password/],
    ['https://host', /names no repository/],
    ['https://host/x?y=1', /query/],
    ['https://host/a\nb', /control characters/],
    ['/srv/a\nb', /control characters/],
    ['file:///srv/%0a', /control characters/],
    ['file://host/srv/x', /no host/],
    ['/srv/../etc', /".."/],
    ['git://host/x', /cannot use "git:\/\/"/],
    ['ftp://host/x', /cannot use/],
    ['javascript://x', /cannot use/],
    ['relative/folder', /neither an absolute folder/],
    ['../up', /neither/],
    ['~/x', /neither/],
    ['C:\\x', /Windows/],
    ['C:/x', /Windows/],
    [`/${'x'.repeat(3000)}`, /too long/],
  ])('%j is refused', (text, problem) => {
    expect(() => parseRepoUrl(text, all)).toThrow(RepoUrlError);
    expect(() => parseRepoUrl(text, all)).toThrow(problem);
  });

  it('is not shown with its password or its control characters', () => {
    const message = (text: string) => {
      try {
        parseRepoUrl(text, all);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    expect(message('https://me:s3cret@host/x')).not.toContain('s3cret');
    expect(message('https://me:s3cr:et@ho st/x')).not.toContain('s3cr');
    // eslint-disable-next-line no-control-regex -- none may be left
    expect(message('\u001b[31m')).not.toMatch(/\u001b/);
  });

  it('is held against the allow-list of schemes and hosts', () => {
    const few: AllowedRemotes = {
      schemes: ['https'],
      hosts: ['example.com', '*.corp.example', 'git.test:8443'],
    };
    const taken = [
      'https://example.com/x',
      'https://a.corp.example/x',
      'https://git.test:8443/x',
      'https://example.com:99/x',
    ];
    for (const url of taken) expect(parseRepoUrl(url, few).scheme).toBe('https');
    const refused = [
      'https://example.com.evil/x',
      'https://corp.example/x',
      'https://xcorp.example/x',
      'https://git.test/x',
      'https://git.test:1/x',
    ];
    for (const url of refused)
      expect(() => parseRepoUrl(url, few)).toThrow(
        /host .* is not allowed here. This worker allows: example.com/,
      );
    expect(() => parseRepoUrl('/srv/x', few)).toThrow(
      /local folders are not allowed here. This worker allows: https/,
    );
    expect(() => parseRepoUrl('git@example.com:x', few)).toThrow(/ssh is not allowed/);
    expect(() => parseRepoUrl('http://example.com/x')).toThrow(/http is not allowed/);
  });
});
