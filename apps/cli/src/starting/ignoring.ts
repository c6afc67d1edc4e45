import { matchingPaths } from '#workspace';

/**
 * Whether the .gitignore at the root ignores a folder there. What it does not ignore, and a set-up makes, is put back
 * before a step begins: installed packages would be gone again.
 */
export function isIgnored(gitignore: string | null, folder: string): boolean {
  let ignored = false;
  for (const line of (gitignore ?? '').split(/\r?\n/)) {
    const rule = line.replace(/(?<!\\)\s+$/, '');
    if (rule === '' || rule.startsWith('#')) continue;
    const isException = rule.startsWith('!');
    const pattern = rule
      .slice(isException ? 1 : 0)
      .replace(/^(\*\*)?\//, '')
      .replace(/\/(\*\*?)?$/, '');
    // Of a deeper folder.
    if (pattern === '' || pattern.includes('/')) continue;
    if (matchingPaths([folder], [pattern], { dot: true }).size > 0) ignored = !isException;
  }
  return ignored;
}
