import { isBytePath, type Mirror } from '#workspace';

/** What is tracked at the base of a repository: all that a first plan is made from. Uncommitted files are none of it. */
export interface Survey {
  /** Ordinary files, by path; names that are not UTF-8 are left out. */
  files: ReadonlySet<string>;
  /** Those that git marks as programs. */
  executable: ReadonlySet<string>;
  /** A file's text; null when there is no such file, or it is too large to be what is looked for. */
  read(path: string): Promise<string | null>;
}

const TEXT_BYTES_MAX = 512 * 1024;

/** Content comes from git's objects alone: a symlink is not followed, whatever it points to. */
export async function surveyBase(mirror: Mirror, baseSha: string): Promise<Survey> {
  const tree = await mirror.listFiles(baseSha);
  const ordinary = tree.filter(({ path, mode }) => mode.startsWith('100') && !isBytePath(path));
  return {
    files: new Set(ordinary.map(({ path }) => path)),
    executable: new Set(ordinary.filter(({ mode }) => mode === '100755').map(({ path }) => path)),
    read: async (path) => {
      const text = await mirror.readText(baseSha, path, TEXT_BYTES_MAX).catch(tooLarge);
      return text === null || text.includes('\0') ? null : text;
    },
  };
}

function tooLarge(error: unknown): null {
  if ((error as { code?: unknown }).code === 'FILE_TOO_LARGE') return null;
  throw error;
}
