import { isAbsolute } from 'node:path';
import { type Environment, given } from './setting.ts';

const PATH_WITHOUT_ANY = '/usr/local/bin:/usr/bin:/bin';

/**
 * All that a step's program inherits from us. Relative and empty entries of PATH would be looked up in the worktree,
 * where the repository decides what `git` or `node` is: they are left out.
 */
export function stepEnvironment(env: Environment = process.env): { PATH: string; LANG: string } {
  const path = (given(env, 'SKEIN_STEP_PATH') ?? given(env, 'PATH') ?? PATH_WITHOUT_ANY)
    .split(':')
    .filter((entry) => isAbsolute(entry));
  return { PATH: path.length > 0 ? path.join(':') : PATH_WITHOUT_ANY, LANG: given(env, 'LANG') ?? 'C.UTF-8' };
}
