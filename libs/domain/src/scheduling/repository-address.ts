const PASSWORD =
  'a password or token in the address would stay in the ledger for ever: give it to the worker (SKEIN_GIT_TOKEN)';

/** Characters (UTF-16) of the longest address. */
export const ADDRESS_LENGTH_MAX = 2_000;

/** A folder of this machine, rather than something that git reaches by a protocol. */
export function isLocalFolder(url: string): boolean {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url)) return false;
  // user@host:path and host:path: a colon before the first slash.
  return !/^[^/]+:/.test(url);
}

/** A folder that means something else wherever it is read. */
export function isRelativeFolder(url: string): boolean {
  return isLocalFolder(url) && !url.startsWith('/');
}

/** Why git is not to be given an address of a repository, and the ledger not either; null: nothing against it. */
export function addressProblem(url: string): string | null {
  if (/\p{Cc}/u.test(url) || url.startsWith('-') || /^[A-Za-z0-9+-]*::/.test(url))
    return 'not an address that we let git use';
  if (/^[a-z+]+:\/\/[^/]*:[^/]*@/i.test(url) || /^https?:\/\/[^/]*@/i.test(url)) return PASSWORD;
  return null;
}

/** What is wrong with an address that no plan may have, so that naming it anywhere would be naming nothing. */
export function repositoryProblem(url: string): string | null {
  if (url === '') return 'the address is empty';
  if (url.length > ADDRESS_LENGTH_MAX) return `longer than ${ADDRESS_LENGTH_MAX} characters`;
  if (!url.isWellFormed()) return 'holds half of a character (a lone surrogate)';
  if (isRelativeFolder(url)) return 'a relative folder means nothing here: give its absolute path';
  return addressProblem(url);
}

/** For messages: without what stands where passwords and tokens do. */
export function maskPasswords(text: string): string {
  return text.replace(/:\/\/[^/]*@/g, '://(hidden)@');
}
