/**
 * How the worker proves itself to a remote. Only the worker has it; it reaches the git child that talks to that
 * remote by its environment, and nothing else: no argv, no URL, no file, no log.
 */
export type GitCredentials =
  | { kind: 'token'; username: string; token: string }
  /** A private key without a passphrase, and the file with the host keys that are accepted. */
  | { kind: 'ssh-key'; path: string; knownHosts: string }
  /** As in git's `credential.helper`. `env`: what the helper needs, e.g. HOME; it inherits nothing but PATH. */
  | { kind: 'credential-helper'; command: string; env?: Record<string, string> };
