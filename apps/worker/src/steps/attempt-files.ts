import type { LoopJob } from '#contracts';
import { pathToBytes } from '#workspace';
import type { GivenFiles } from './step-environment.ts';
import type { LeaseDirs } from './lease-dirs.ts';

/** Writes what an attempt is told into files that it can read and not change. */
export async function giveFiles(
  dirs: LeaseDirs,
  loop: LoopJob,
  feedback: string | null,
): Promise<GivenFiles> {
  const { matrix, task } = loop;
  return {
    inputs: await dirs.give('inputs.json', `${JSON.stringify(loop.inputOutputs)}\n`),
    files: matrix !== null && 'files' in matrix ? await dirs.give('files', fileList(matrix.files)) : null,
    prompt: task.kind === 'agent' ? await dirs.give('prompt.md', task.prompt) : null,
    script: task.kind === 'run' && task.script ? await dirs.give('script', task.script.text, 0o755) : null,
    feedback: feedback === null ? null : await dirs.give('feedback.md', feedback),
  };
}

/** NUL after each name, in the bytes that the file system has: names in git need not be UTF-8. */
function fileList(files: string[]): Buffer {
  return Buffer.concat(files.flatMap((file) => [pathToBytes(file), Buffer.of(0)]));
}
