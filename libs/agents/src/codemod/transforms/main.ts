/**
 * The transform's child: a job on standard input, its answer in a file of its own. Runs in the sandbox, together with
 * code of the plan that may do whatever the sandbox lets it do; so nothing that it says is more than a claim.
 */
import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { loadTransform, TransformModuleError } from './transform-module.ts';
import { transformFiles } from './transform-files.ts';
import { UNSETTLED, type TransformAnswer, type TransformJob } from './transform-job.ts';

const exit = process.exit.bind(process);

async function answer(job: TransformJob): Promise<TransformAnswer> {
  try {
    return { status: 'done', report: await transformFiles(job, loadTransform(job.transform, job.parser)) };
  } catch (error) {
    if (!(error instanceof TransformModuleError)) throw error;
    return { status: 'module-error', message: error.message };
  }
}

async function main(): Promise<void> {
  const job = JSON.parse(await text(process.stdin)) as TransformJob;
  writeFileSync(job.answerFile, JSON.stringify(await answer(job)), { flag: 'wx' });
  // A timer that the transform forgot must not keep the step.
  exit(0);
}

// Nothing is left to do, and there is no answer: a promise that nobody will settle.
process.once('beforeExit', () => exit(UNSETTLED));
void main();
