import { matchFiles } from '#workspace';
import type { Survey } from '../survey.ts';
import type { Toolchain } from '../toolchains/toolchain.ts';
import { codemodExample, type TryCodemod } from './codemods.ts';
import type { Example, ExampleSearch } from './example.ts';
import { isOwnSource } from './file-globs.ts';
import { blanksExample, editorExample, licenceExample } from './text-changes.ts';

/** Reading costs two git processes for each file: a second for these. */
const SOURCES_MAX = 200;
const READS_AT_ONCE = 8;

/** The first change of these that has something to do: codemod, licence headers, trailing blanks, a new file. */
export async function findExample(
  survey: Survey,
  toolchain: Toolchain,
  tryCodemod: TryCodemod,
): Promise<Example> {
  const search = { survey, toolchain, ...(await readSources(survey, toolchain)) };
  return (
    (await codemodExample(search, tryCodemod)) ??
    (await licenceExample(search)) ??
    blanksExample(search) ??
    editorExample(search)
  );
}

async function readSources(
  survey: Survey,
  toolchain: Toolchain,
): Promise<Pick<ExampleSearch, 'sources' | 'isSample'>> {
  const wanted = { include: toolchain.sources, exclude: [] };
  const own = matchFiles([...survey.files], wanted).filter(isOwnSource);
  // From all over the repository: neighbours are alike.
  const every = Math.ceil(own.length / SOURCES_MAX);
  const chosen = own.filter((_, index) => index % every === 0);
  const sources = new Map<string, string>();
  for (let at = 0; at < chosen.length; at += READS_AT_ONCE) {
    const paths = chosen.slice(at, at + READS_AT_ONCE);
    const texts = await Promise.all(paths.map((path) => survey.read(path)));
    for (const [index, text] of texts.entries()) if (text !== null) sources.set(paths[index]!, text);
  }
  return { sources, isSample: own.length > chosen.length };
}
