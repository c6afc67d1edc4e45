import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { tempDir } from '#testing';
import { CacheDirUnsafeError, usableCacheDir } from './cache-dir.ts';

describe('the cache folder', () => {
  it('is the preferred one where that can be made', async () => {
    const preferred = join(await tempDir(), 'a', 'b');
    expect(usableCacheDir(preferred)).toBe(preferred);
    expect((await stat(preferred)).mode & 0o077).toBe(0);
  });

  it('is one of this user in the temporary folder when there is no home to write to', async () => {
    const temporary = await tempDir();
    const file = join(temporary, 'home');
    await writeFile(file, '');
    expect(usableCacheDir(join(file, '.cache'), temporary)).toBe(join(temporary, `skein-${userInfo().uid}`));
  });

  it('is never one that somebody else may have filled', async () => {
    const temporary = await tempDir();
    const planted = join(temporary, `skein-${userInfo().uid}`);
    await mkdir(planted);
    await chmod(planted, 0o777);
    expect(() => usableCacheDir('/dev/null/cache', temporary)).toThrow(CacheDirUnsafeError);
  });
});
