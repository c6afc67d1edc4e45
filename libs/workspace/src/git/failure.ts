import type { GitErrorCode } from './git-error.ts';

/** Git's words (LC_ALL=C) for each kind of failure; the first that matches counts. Measured on 2.39. */
const words: [GitErrorCode, RegExp][] = [
  ['GIT_DISK_FULL', /no space left on device|disk quota exceeded/i],
  [
    'GIT_CORRUPT',
    /object file .* is empty|loose object .* is corrupt|missing (blob|tree|commit) object|unable to read (sha1 file|tree|[0-9a-f]{40})|could not parse commit|packfile .* (is corrupted|cannot be accessed|does not match index)|inflate: data stream error|index file corrupt/i,
  ],
  [
    'GIT_AUTH',
    /authentication failed|could not read (username|password)|terminal prompts disabled|permission denied \(|host key verification failed|invalid credentials|requested url returned error: 40[13]|access denied|permission to .* denied|write access to repository not granted/i,
  ],
  [
    'GIT_NOT_FOUND',
    /requested url returned error: 404|repository not found|does not appear to be a git repository|repository '.*' (not found|does not exist)|no such file or directory.*\n.*could not read from remote/i,
  ],
  [
    'GIT_UNREACHABLE',
    /could not resolve host|could not resolve hostname|connection (refused|timed out|reset|closed)|failed to connect|couldn't connect|network is unreachable|no route to host|operation timed out|operation too slow|requested url returned error: (429|5\d\d)|rpc failed|the remote end hung up|early eof|unexpected disconnect|ssl_error|gnutls|broken pipe|kex_exchange/i,
  ],
  [
    'GIT_LOCKED',
    /unable to create '.*\.lock'|cannot lock ref|could not lock|failed to lock|another git process seems to be running|failed to update ref|is locked/i,
  ],
  [
    'GIT_REJECTED',
    /remote rejected|pre-receive hook declined|protected branch|\[rejected\]|refusing to update|denied updating|denying|unable to create temporary object directory|insufficient permission|unpacker error|permission denied|read-only file system/i,
  ],
];

export function classifyFailure(stderr: string): GitErrorCode {
  // A name that clashes with another (a, a/b) reads like a lock, and no waiting helps.
  if (/exists; cannot create/i.test(stderr)) return 'GIT_REJECTED';
  for (const [code, pattern] of words) if (pattern.test(stderr)) return code;
  return 'GIT_FAILED';
}
