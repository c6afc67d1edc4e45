import { parse } from 'node:path';
import type { GitCredentials } from '../git/git-credentials.ts';
import type { AllowedRemotes, RepoScheme } from './repo-url.ts';

/** The `git` part of the settings, whoever has them. */
export interface AccessSettings {
  allowedSchemes: readonly string[];
  /** `*`: all. */
  allowedHosts: readonly string[];
  username: string;
  token: string | null;
  sshKeyFile: string | null;
  sshKnownHostsFile: string | null;
  credentialHelper: string | null;
}

/** Which repositories may be reached from here, and as whom. */
export function accessOf(git: AccessSettings): {
  allowed: AllowedRemotes;
  credentials: GitCredentials | null;
} {
  return {
    allowed: {
      schemes: git.allowedSchemes as readonly RepoScheme[],
      hosts: git.allowedHosts.includes('*') ? null : git.allowedHosts,
    },
    credentials: credentialsOf(git),
  };
}

/** One way at a time: a token beats a key, a key beats a helper. */
function credentialsOf(git: AccessSettings): GitCredentials | null {
  if (git.token !== null) return { kind: 'token', username: git.username, token: git.token };
  if (git.sshKeyFile !== null) {
    // Without a file of our own the usual one beside the key says whom to trust; hosts are never taken on faith.
    const knownHosts = git.sshKnownHostsFile ?? `${parse(git.sshKeyFile).dir}/known_hosts`;
    return { kind: 'ssh-key', path: git.sshKeyFile, knownHosts };
  }
  if (git.credentialHelper !== null) return { kind: 'credential-helper', command: git.credentialHelper };
  return null;
}
