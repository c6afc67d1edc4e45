/** One entry of a raw tree diff. Renames are an addition and a deletion. */
export interface Change {
  /** Slash path from the root. Bytes that are not UTF-8 are lone surrogates, as in `pathFromBytes`; show it with `printablePath`. */
  path: string;
  status: 'added' | 'deleted' | 'modified' | 'type-changed';
  /** As git writes it: `100644`, `100755`, `120000` (symlink), `160000` (gitlink), `000000` (absent). */
  oldMode: string;
  newMode: string;
  oldSha: string;
  newSha: string;
  /** What the new symlink says; only with mode `120000`. */
  symlinkTarget?: string;
  /**
   * The tree has a symlink that leaves it because of this change: an absolute target, or one that climbs out, also by
   * way of other symlinks, or one into `.git`.
   */
  symlinkLeaves: boolean;
}
