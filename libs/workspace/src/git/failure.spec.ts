import { classifyFailure } from './failure.ts';
import { GitError } from './git-error.ts';
import { redactSecrets } from './secrets.ts';

describe("git's words about a failure", () => {
  it.each([
    ["fatal: unable to access 'https://x/': Could not resolve host: x", 'GIT_UNREACHABLE'],
    [
      "fatal: unable to access 'https://x/': Failed to connect to x port 443: Connection refused",
      'GIT_UNREACHABLE',
    ],
    [
      'ssh: connect to host x port 22: Connection timed out\nfatal: Could not read from remote repository.',
      'GIT_UNREACHABLE',
    ],
    ['error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502', 'GIT_UNREACHABLE'],
    ['fatal: the remote end hung up unexpectedly', 'GIT_UNREACHABLE'],
    ["fatal: Authentication failed for 'https://x/'", 'GIT_AUTH'],
    ['git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'GIT_AUTH'],
    ["fatal: could not read Username for 'https://x': terminal prompts disabled", 'GIT_AUTH'],
    ['Host key verification failed.\nfatal: Could not read from remote repository.', 'GIT_AUTH'],
    ['remote: Repository not found.\nfatal: repository https://x/ not found', 'GIT_NOT_FOUND'],
    ["fatal: '/x' does not appear to be a git repository", 'GIT_NOT_FOUND'],
    ["fatal: Unable to create '/m/packed-refs.lock': File exists.", 'GIT_LOCKED'],
    ["error: cannot lock ref 'refs/x': is at a but expected b", 'GIT_LOCKED'],
    ["error: cannot lock ref 'refs/a/b': 'refs/a' exists; cannot create 'refs/a/b'", 'GIT_REJECTED'],
    ['! [remote rejected] a -> b (pre-receive hook declined)', 'GIT_REJECTED'],
    ['fatal: write error: No space left on device', 'GIT_DISK_FULL'],
    ['fatal: something new', 'GIT_FAILED'],
  ])('%j mean %s', (words, code) => {
    expect(classifyFailure(words)).toBe(code);
  });

  it('say whether another try can help', () => {
    expect(new GitError('GIT_UNREACHABLE', 'fetch', '').retry).toBe('later');
    expect(new GitError('GIT_LOCKED', 'fetch', '').retry).toBe('later');
    expect(new GitError('GIT_AUTH', 'fetch', '').retry).toBe('never');
    expect(new GitError('GIT_AUTH', 'fetch', 'words').message).toMatch(/^git fetch: .*credential.*\nwords$/);
  });
});

describe('secrets in what is shown', () => {
  it('are taken out, also encoded', () => {
    const secret = 'tok/en+1';
    const text = `a ${secret} b ${encodeURIComponent(secret)} c https://me:other@host/x d Authorization: Basic abc=`;
    expect(redactSecrets(text, [secret, ''])).toBe(
      'a *** b *** c https://me:***@host/x d Authorization: Basic ***',
    );
  });
});
