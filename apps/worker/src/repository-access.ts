import { parse } from 'node:path';
import type { Settings } from '#config';
import type { GitCredentials, MirrorsOptions, RepoScheme } from '#workspace';

/** Which repositories this worker may reach, and as whom. */
export function mirrorsOptions(settings: Settings): Pick<MirrorsOptions, 'allowed' | 'credentials'> {
  const { allowedSchemes, allowedHosts } = settings.git;
  return {
    allowed: {
      schemes: allowedSchemes as readonly RepoScheme[],
      hosts: allowedHosts.includes('*') ? null : allowedHosts,
    },
    credentials: credentialsOf(settings.git),
  };
}

/** One way at a time: a token beats a key, a key beats a helper. */
function credentialsOf(git: Settings['git']): GitCredentials | null {
  if (git.token !== null) return { kind: 'token', username: git.username, token: git.token };
  if (git.sshKeyFile !== null) {
    // Without a file of our own the usual one beside the key says whom to trust; hosts are never taken on faith.
    const knownHosts = git.sshKnownHostsFile ?? `${parse(git.sshKeyFile).dir}/known_hosts`;
    return { kind: 'ssh-key', path: git.sshKeyFile, knownHosts };
  }
  if (git.credentialHelper !== null) return { kind: 'credential-helper', command: git.credentialHelper };
  return null;
}
