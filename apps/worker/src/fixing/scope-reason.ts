import picomatch from 'picomatch';
import type { Reason } from '#domain';
import { judgeScope, type Change, type Scope, type ScopeViolation } from '#workspace';

/** Why an attempt's changes are not kept; null when all are in scope. The first kind found names the reason. */
export function scopeReason(changes: readonly Change[], scope: Scope): Reason | null {
  const violations = judgeScope(changes, {
    write: scope.write === null ? null : withFolders(scope.write),
    protect: withFolders(scope.protect),
  });
  const first = ORDER.map((kind) => violations.find((one) => one.kind === kind)).find(
    (one) => one !== undefined,
  );
  if (first === undefined) return null;
  const shown = violations.slice(0, 10).map((one) => one.message);
  const more = violations.length > shown.length ? `; and ${violations.length - shown.length} more` : '';
  return {
    code: CODES[first.kind],
    message: `${shown.join('; ')}${more}. Nothing of this attempt was kept.`,
  };
}

const ORDER: ScopeViolation['kind'][] = ['gitlink', 'symlink-leaves', 'protected', 'outside-write'];

const CODES: Record<ScopeViolation['kind'], string> = {
  gitlink: 'gitlink',
  'symlink-leaves': 'symlink-leaves-tree',
  protected: 'protected-path',
  'outside-write': 'scope-violation',
};

/** A pattern without wildcards may name a folder: `test` and `test/` protect everything below. */
function withFolders(patterns: string[]): string[] {
  return patterns.flatMap((pattern) => {
    const plain = pattern.replace(/^\.\//, '').replace(/\/+$/, '');
    if (picomatch.scan(plain).isGlob) return [plain];
    return pattern.endsWith('/') ? [`${plain}/**`] : [plain, `${plain}/**`];
  });
}
