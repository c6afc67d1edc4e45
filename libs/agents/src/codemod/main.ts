/**
 * The codemod's child: a job on standard input, its answer as the last line of standard output.
 * Runs in the sandbox, so it imports nothing but this folder and its two packages.
 */
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { ANSWER_PREFIX, type CodemodAnswer, type CodemodJob } from './job.ts';
import { rewriteFiles } from './rewrite-files.ts';
import { RuleError } from './rule-error.ts';

async function answer(job: CodemodJob): Promise<CodemodAnswer> {
  try {
    return { status: 'done', report: await rewriteFiles(job) };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return { status: 'rule-error', document: error.document, message: error.message };
  }
}

const job = JSON.parse(await text(process.stdin)) as CodemodJob;
let line = Buffer.from(`${ANSWER_PREFIX}${JSON.stringify(await answer(job))}\n`);
while (line.length > 0) line = line.subarray(writeSync(1, line));
