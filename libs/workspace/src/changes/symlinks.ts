/** Kernels give up after 40. */
const HOPS_MAX = 40;
/** About half a second. Thousands of links with targets of thousands of parts would take the better part of an hour. */
const PARTS_MAX = 20_000_000;

/** What may be spent on all symlinks of one judgement; who comes when nothing is left counts as one that leaves. */
export interface Effort {
  left: number;
}

export function newEffort(): Effort {
  return { left: PARTS_MAX };
}

export interface SymlinkPath {
  /** It ends, or passes, outside of the tree or in `.git`; or it never ends. */
  leaves: boolean;
  /** The symlinks on its way, itself included. */
  through: string[];
}

/**
 * Follows a symlink of a tree as a kernel would, by names alone. `links`: every symlink of the tree with its target.
 * Nothing is looked up on disk, where a step could change it while we look.
 */
export function followSymlink(
  path: string,
  links: ReadonlyMap<string, string>,
  effort: Effort = newEffort(),
): SymlinkPath {
  const through: string[] = [];
  const seen: string[] = [];
  const ahead = path.split('/').reverse();
  for (let hops = 0; ahead.length > 0;) {
    const part = ahead.pop()!;
    // Looking a path up takes as long as it has parts.
    effort.left -= 1 + seen.length;
    if (effort.left < 0) return { leaves: true, through };
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (seen.length === 0) return { leaves: true, through };
      seen.pop();
      continue;
    }
    if (isGitDir(part)) return { leaves: true, through };
    seen.push(part);
    const target = links.get(seen.join('/'));
    if (target === undefined) continue;
    through.push(seen.join('/'));
    hops += 1;
    if (hops > HOPS_MAX || target.startsWith('/')) return { leaves: true, through };
    seen.pop();
    ahead.push(...target.split('/').reverse());
  }
  return { leaves: false, through };
}

/** Also in the spellings that other file systems take for it. */
function isGitDir(part: string): boolean {
  // HFS+ ignores these characters; NTFS drops dots and blanks at the end, and calls it git~1.
  const plain = part.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '').replace(/[ .]+$/, '');
  return /^(\.git|git~1)$/i.test(plain);
}
