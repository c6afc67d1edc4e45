import { loadSettings } from '#config';
import { mirrorsOptions } from './repository-access.ts';

const TOKEN = { SKEIN_GIT_TOKEN: 'tok', SKEIN_GIT_USERNAME: 'bot' };
const KEY = { SKEIN_GIT_SSH_KEY: '/keys/id_ed25519' };
const HELPER = { SKEIN_GIT_CREDENTIAL_HELPER: 'store --file /keys/store' };

describe('what a worker may reach of the repositories', () => {
  const of = (env: Record<string, string>) => mirrorsOptions(loadSettings({ HOME: '/home/me', ...env }));

  it.each([
    ['nobody, when nothing is set', {}, null],
    ['nobody, when there is only a user name', { SKEIN_GIT_USERNAME: 'bot' }, null],
    ['the token’s user', TOKEN, { kind: 'token', username: 'bot', token: 'tok' }],
    [
      'the usual user of a token',
      { SKEIN_GIT_TOKEN: 'tok' },
      { kind: 'token', username: 'x-access-token', token: 'tok' },
    ],
    [
      'the key’s owner, trusting the hosts listed beside the key',
      KEY,
      { kind: 'ssh-key', path: '/keys/id_ed25519', knownHosts: '/keys/known_hosts' },
    ],
    [
      'the key’s owner, trusting the hosts of the file that was named',
      { ...KEY, SKEIN_GIT_SSH_KNOWN_HOSTS: '/etc/hosts-we-know' },
      { kind: 'ssh-key', path: '/keys/id_ed25519', knownHosts: '/etc/hosts-we-know' },
    ],
    [
      'whom the credential helper says',
      HELPER,
      { kind: 'credential-helper', command: 'store --file /keys/store' },
    ],
  ])('it goes there as %s', (_who, env, credentials) => {
    expect(of(env).credentials).toEqual(credentials);
  });

  it('a token beats a key, and a key beats a helper', () => {
    expect(of({ ...TOKEN, ...KEY, ...HELPER }).credentials).toMatchObject({ kind: 'token' });
    expect(of({ ...KEY, ...HELPER }).credentials).toMatchObject({ kind: 'ssh-key' });
  });

  it('schemes and hosts are those of the settings; the star alone means every host', () => {
    expect(of({ SKEIN_REPO_SCHEMES: 'https', SKEIN_REPO_HOSTS: 'github.com,*.example.org' }).allowed).toEqual(
      {
        schemes: ['https'],
        hosts: ['github.com', '*.example.org'],
      },
    );
    expect(of({}).allowed).toEqual({ schemes: ['file', 'https', 'ssh'], hosts: null });
    expect(of({ SKEIN_REPO_HOSTS: 'github.com,*' }).allowed?.hosts).toBeNull();
  });
});
