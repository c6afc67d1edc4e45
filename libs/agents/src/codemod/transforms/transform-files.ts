import jscodeshift from 'jscodeshift';
import type { CodemodFileProblem } from '../job.ts';
import { readSource, writeSource } from '../source-file.ts';
import { thrownText } from './thrown.ts';
import {
  FAILED_FILES_MAX,
  FAILURE_TEXT_MAX,
  PROBLEM_TEXT_MAX,
  STATS_MAX,
  type TransformJob,
  type TransformReport,
} from './transform-job.ts';
import type { Transform } from './transform-module.ts';

const MS_BETWEEN_SIGNS_OF_LIFE = 1_000;

/** The whole job, one file after the other. A file on which the transform throws does not keep it from the others. */
export async function transformFiles(job: TransformJob, transform: Transform): Promise<TransformReport> {
  const work = new TransformWork(job, transform);
  const files = [...new Set(job.files)].sort();
  let saidAt = performance.now();
  for (const [index, file] of files.entries()) {
    await work.transformFile(file);
    if (performance.now() - saidAt < MS_BETWEEN_SIGNS_OF_LIFE) continue;
    // For the idle clock: a transform that hangs in one file is silent, one with many files is not.
    say(`[transform] ${index + 1} of ${files.length} files\n`);
    saidAt = performance.now();
  }
  return work.report;
}

/** Like what the transform prints itself: never by the descriptor, which its prints may have made non-blocking. */
const say: (text: string) => boolean = process.stdout.write.bind(process.stdout);

type Outcome = { kind: 'text'; text: string } | { kind: 'thrown'; thrown: unknown } | { kind: 'declined' };

class TransformWork {
  readonly report: TransformReport = {
    changed: [],
    unmodified: 0,
    declined: 0,
    unparsable: [],
    skipped: [],
    failed: [],
    failures: 0,
    stats: {},
  };
  private readonly job: TransformJob;
  private readonly transform: Transform;
  private readonly shift: ReturnType<typeof jscodeshift.withParser>;
  private readonly counts = new Map<string, number>();

  constructor(job: TransformJob, transform: Transform) {
    this.job = job;
    this.transform = transform;
    this.shift = jscodeshift.withParser(transform.parser as Parameters<typeof jscodeshift.withParser>[0]);
  }

  async transformFile(file: string): Promise<void> {
    const { worktree, maxFileBytes } = this.job;
    const source = await readSource(worktree, file, maxFileBytes);
    if (source.status === 'skipped') {
      this.report.skipped.push({ file, message: source.message });
      return;
    }
    const outcome = await this.apply(file, source.text);
    if (outcome.kind === 'declined') this.report.declined += 1;
    else if (outcome.kind === 'thrown') this.noteThrown(file, outcome.thrown);
    else if (outcome.text === source.text) this.report.unmodified += 1;
    else {
      await writeSource(worktree, file, outcome.text);
      this.report.changed.push(file);
    }
    this.report.stats = Object.fromEntries(this.counts);
  }

  private async apply(path: string, source: string): Promise<Outcome> {
    const { parser, run } = this.transform;
    parser.expect(source);
    try {
      const returned = await run({ path, source }, this.api(path), this.job.options);
      // As jscodeshift has it: no text, no change.
      if (returned === undefined || returned === null || returned === '') return { kind: 'declined' };
      if (typeof returned === 'string') return { kind: 'text', text: returned };
      const what = Array.isArray(returned) ? 'a list' : `a value of type ${typeof returned}`;
      return { kind: 'thrown', thrown: new TypeError(`the transform returned ${what}, not the new text`) };
    } catch (thrown) {
      return { kind: 'thrown', thrown };
    }
  }

  private api(path: string): object {
    return {
      j: this.shift,
      jscodeshift: this.shift,
      stats: (name: unknown, quantity: unknown = 1) => this.count(String(name).slice(0, 100), quantity),
      report: (message: unknown) => say(`${path}: ${String(message)}\n`),
    };
  }

  private count(name: string, quantity: unknown): void {
    if (this.counts.size >= STATS_MAX && !this.counts.has(name)) return;
    const more = typeof quantity === 'number' && Number.isFinite(quantity) ? quantity : 1;
    this.counts.set(name, (this.counts.get(name) ?? 0) + more);
  }

  private noteThrown(file: string, thrown: unknown): void {
    const problem = (maxLength: number): CodemodFileProblem => ({
      file,
      message: thrownText(thrown, maxLength),
    });
    if (this.transform.parser.isUnparsable(thrown)) {
      const [headline = ''] = problem(PROBLEM_TEXT_MAX).message.split('\n');
      this.report.unparsable.push({ file, message: headline });
      return;
    }
    this.report.failures += 1;
    if (this.report.failed.length < FAILED_FILES_MAX) this.report.failed.push(problem(FAILURE_TEXT_MAX));
  }
}
