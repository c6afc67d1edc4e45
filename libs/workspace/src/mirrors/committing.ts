import type { GitRunner } from '../git/git.ts';

export interface NewCommit {
  tree: string;
  parents: readonly string[];
  message: string;
  /** Author and committer date: ISO 8601. */
  date: string;
}

/** Writes a commit object. Same input, same SHA: identity and date are fixed, nothing of the host goes in. */
export async function writeCommit(repository: GitRunner, commit: NewCommit): Promise<string> {
  const parents = commit.parents.flatMap((parent) => ['-p', parent]);
  const date = gitDate(commit.date);
  return repository.text({
    action: 'commit',
    args: ['commit-tree', '--no-gpg-sign', ...parents, '-F', '-', commit.tree],
    env: { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
    stdin: tidyMessage(commit.message),
  });
}

/** One line without control characters or escapes. */
export function oneLine(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- what must not be in a subject line
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
      .replace(/ {2,}/g, ' ')
      .trim()
      .slice(0, 500)
      .toWellFormed()
  );
}

export function trailerLine([key, value]: [string, string]): string {
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(key))
    throw new RangeError(`not a trailer's name: ${JSON.stringify(key)}`);
  return `${key}: ${oneLine(value)}`;
}

/** Messages keep their lines; control characters (terminal escapes) and empty ends go. */
function tidyMessage(message: string): string {
  // eslint-disable-next-line no-control-regex -- what must not be in a message
  const tidy = message.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
  return `${tidy.trim().slice(0, 65_536) || 'No message'}\n`;
}

function gitDate(iso: string): string {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) throw new RangeError(`not an ISO 8601 date: ${JSON.stringify(iso)}`);
  return `@${Math.floor(ms / 1000)} +0000`;
}
