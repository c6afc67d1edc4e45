import type { CodemodFileProblem, CodemodJob, CodemodReport } from './job.ts';
import { rewrite } from './rewriting.ts';
import { type CodemodRule, parseRules } from './rules.ts';
import { readSource, writeSource } from './source-file.ts';

/** The whole job. Throws RuleError before any file is touched. */
export async function rewriteFiles(job: CodemodJob): Promise<CodemodReport> {
  const rules = parseRules(job.rules, job.language);
  const report: CodemodReport = { changed: [], unparsable: [], skipped: [], matches: 0 };
  for (const file of [...new Set(job.files)].sort()) await rewriteFile(job, file, rules, report);
  return report;
}

async function rewriteFile(
  job: CodemodJob,
  file: string,
  rules: CodemodRule[],
  report: CodemodReport,
): Promise<void> {
  const problem = (message: string): CodemodFileProblem => ({ file, message });
  const source = await readSource(job.worktree, file, job.maxFileBytes);
  if (source.status === 'skipped') {
    report.skipped.push(problem(source.message));
    return;
  }
  const result = rewrite(source.text, file, rules);
  if (result.status === 'unparsable') {
    report.unparsable.push(problem(result.message));
    return;
  }
  report.matches += result.matches;
  if (result.text === source.text) return;
  await writeSource(job.worktree, file, result.text);
  report.changed.push(file);
}
