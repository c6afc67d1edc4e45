import { mkdir, rename, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

export interface Identity {
  name: string;
  email: string;
}

/** The files that git reads besides repositories: all written by us. */
export interface GitHome {
  askpass: string;
  env: Readonly<Record<string, string>>;
}

/**
 * Writes git's only configuration and an empty home, and gives the environment that points to them.
 * A file, and not `-c`: `safe.directory` counts only from there, and local transports drop `-c` settings on their
 * way to the other repository's git.
 */
export async function prepareGitHome(rootDir: string, identity: Identity, path: string): Promise<GitHome> {
  const dir = join(rootDir, 'git');
  const home = join(dir, 'home');
  await mkdir(home, { recursive: true, mode: 0o700 });
  const config = join(dir, 'config');
  const attributes = join(dir, 'attributes');
  const askpass = join(dir, 'askpass');
  await writeAtomically(attributes, '', 0o600);
  await writeAtomically(config, configText(identity, attributes), 0o600);
  await writeAtomically(askpass, ASKPASS, 0o700);
  return {
    askpass,
    env: {
      PATH: path,
      HOME: home,
      XDG_CONFIG_HOME: home,
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: config,
      GIT_ATTR_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      // Calls that talk to a remote allow its one protocol; all others none.
      GIT_ALLOW_PROTOCOL: '',
      // Names from a repository are names, never patterns.
      GIT_LITERAL_PATHSPECS: '1',
      GIT_NO_REPLACE_OBJECTS: '1',
      // A promisor remote of a hostile source could name a program to fetch with.
      GIT_NO_LAZY_FETCH: '1',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_EDITOR: ':',
      GIT_PAGER: 'cat',
    },
  };
}

function configText(identity: Identity, attributes: string): string {
  return `# Written by Skein at every start: all of the configuration that its git reads.
[user]
	name = ${quoted(identity.name)}
	email = ${quoted(identity.email)}
	useConfigOnly = true
[safe]
	directory = *
[init]
	defaultBranch = main
	templateDir =
[gc]
	auto = 0
	autoDetach = false
[maintenance]
	auto = false
[core]
	hooksPath = /dev/null
	fsmonitor = false
	untrackedCache = false
	attributesFile = ${quoted(attributes)}
	excludesFile = /dev/null
	autocrlf = false
	safecrlf = false
	fileMode = true
	symlinks = true
	ignoreCase = false
	protectHFS = true
	protectNTFS = true
	quotePath = false
	filesRefLockTimeout = 5000
	packedRefsTimeout = 10000
	logAllRefUpdates = false
[protocol]
	allow = never
	version = 2
[transfer]
	fsckObjects = true
	# Packs appear whole or not at all; loose objects of a killed fetch would be a commit without its tree.
	unpackLimit = 1
[fetch]
	unpackLimit = 1
	writeCommitGraph = false
	recurseSubmodules = no
	showForcedUpdates = false
# Harmless blemishes of old histories.
[fetch "fsck"]
${BLEMISHES.map((id) => `	${id} = ignore`).join('\n')}
[receive "fsck"]
${BLEMISHES.map((id) => `	${id} = ignore`).join('\n')}
[receive]
	autogc = false
	denyCurrentBranch = refuse
[push]
	recurseSubmodules = no
	followTags = false
	gpgSign = false
[submodule]
	recurse = false
[diff]
	ignoreSubmodules = dirty
	renames = true
[merge]
	renames = true
	renameLimit = 5000
[http]
	lowSpeedLimit = 500
	lowSpeedTime = 60
[advice]
	detachedHead = false
	addEmbeddedRepo = false
	addIgnoredFile = false
	pushUpdateRejected = false
[commit]
	gpgSign = false
[tag]
	gpgSign = false
`;
}

const BLEMISHES = [
  'zeroPaddedFilemode',
  'badTimezone',
  'badDate',
  'badDateOverflow',
  'badEmail',
  'badName',
  'missingEmail',
  'missingNameBeforeEmail',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'missingTaggerEntry',
  'zeroPaddedDate',
  'multipleAuthors',
  'nulInCommit',
  'extraHeaderEntry',
  // Submodules are off, so what .gitmodules says is only text.
  'gitmodulesParse',
  'gitmodulesName',
  'gitmodulesUrl',
  'gitmodulesPath',
  'gitmodulesUpdate',
  'gitmodulesBlob',
  'gitmodulesLarge',
  'gitmodulesMissing',
  'gitmodulesSymlink',
];

/**
 * Answers git's questions out of its environment: no secret is in the file. A redirect to another host asks again,
 * in that host's name, and gets nothing.
 */
const ASKPASS = `#!/bin/sh
case "$1" in
  "Username for '$SKEIN_GIT_PROTOCOL://$SKEIN_GIT_HOST'"*) printf '%s\\n' "$SKEIN_GIT_USERNAME" ;;
  "Username for '$SKEIN_GIT_PROTOCOL://"*"@$SKEIN_GIT_HOST'"*) printf '%s\\n' "$SKEIN_GIT_USERNAME" ;;
  "Password for '$SKEIN_GIT_PROTOCOL://"*"@$SKEIN_GIT_HOST'"*) printf '%s\\n' "$SKEIN_GIT_TOKEN" ;;
  *) exit 1 ;;
esac
`;

function quoted(value: string): string {
  // eslint-disable-next-line no-control-regex -- a newline would start another setting
  return `"${value.replace(/[\u0000-\u001f\u007f]/g, ' ').replace(/[\\"]/g, '\\$&')}"`;
}

/** Other processes may be reading it, or writing the same. */
async function writeAtomically(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, text, { mode, flag: 'wx' });
  await rename(temporary, path);
}
