import type { CoordinatorClient } from '../client/coordinator-client.ts';
import type { PlanView } from '#client';
import { cut, escapeLines, escapeText } from '../rendering/escape.ts';
import { renderOutcome } from '../rendering/outcome.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { readCommitAnchor } from '../verifying/anchor.ts';
import { verifyPlanLedger } from '../verifying/ledger-verification.ts';
import type { DemoRepository } from './demo-repository.ts';

const PROGRESS_LINES = 24;

/** What the demo shows when its plan has ended: the outcome, the branch, and how to read progress.md and the ledger. */
export class DemoReport {
  constructor(
    private readonly o: {
      terminal: Terminal;
      client: CoordinatorClient;
      repository: DemoRepository;
      plan: PlanView;
    },
  ) {}

  async print(): Promise<void> {
    const { terminal, plan } = this.o;
    terminal.out(`\n${renderOutcome(plan, terminal.paint)}`);
    await this.printLearning();
    if (plan.integration?.state === 'published') await this.printBranch(plan.integration.branch);
    await this.printProgress();
    await this.printLedger();
    terminal.out(`\nOn a plan of your own (\`skein up\`, then \`skein submit plan.yaml --watch\`):
  skein progress <plan>        progress.md, rendered from the ledger whenever it is read
  skein log <plan> <step>      what an attempt printed; skein diff <plan> what was changed
  skein ledger verify <plan>   recomputes every hash, anchored in the integration commit`);
  }

  printKept(folder: string): void {
    this.o.terminal.out(`\nKept in ${escapeText(folder)}. To look around:
  bin/skein up --data-dir ${escapeText(folder)}
  bin/skein status ${escapeText(this.o.plan.planId)}
  git --git-dir ${escapeText(this.o.repository.path)} log --graph --oneline --all`);
  }

  /** The steps that needed more than one attempt: what was wrong, and what the feedback made of it. */
  private async printLearning(): Promise<void> {
    const { client, plan, terminal } = this.o;
    for (const step of await client.steps(plan.planId)) {
      if (step.attempts < 2) continue;
      this.heading(`The attempts of ${step.name}`);
      for (let attempt = 1; attempt <= step.attempts; attempt++) {
        terminal.out(`  attempt ${attempt}:`);
        const log = await client
          .attemptText(plan.planId, step.ordinal, attempt, 'log')
          .catch(() => 'its log is lost');
        for (const line of telling(log))
          terminal.out(terminal.paint('dim', `    ${cut(escapeText(line.trim()), this.columns() - 4)}`));
      }
    }
  }

  private async printBranch(branch: string): Promise<void> {
    const { terminal, repository } = this.o;
    this.heading(`The branch ${branch}`);
    terminal.out(escapeLines(await repository.diffstat(branch)));
    terminal.out(`\n${escapeLines(await repository.headMessage(branch))}`);
  }

  private async printProgress(): Promise<void> {
    const { client, plan, terminal } = this.o;
    this.heading('The first lines of progress.md');
    const lines = escapeLines(await client.progress(plan.planId))
      .trimEnd()
      .split('\n');
    for (const line of lines.slice(0, PROGRESS_LINES)) terminal.out(`  ${line}`);
    if (lines.length > PROGRESS_LINES)
      terminal.out(terminal.paint('dim', `  ... and ${lines.length - PROGRESS_LINES} more`));
  }

  private async printLedger(): Promise<void> {
    const { client, plan, repository, terminal } = this.o;
    this.heading('The ledger');
    const anchor =
      plan.integration?.state === 'published'
        ? await readCommitAnchor({
            repository: repository.path,
            ref: `refs/heads/${plan.integration.branch}`,
            planId: plan.planId,
          })
        : null;
    const verdict = await verifyPlanLedger(client, plan.planId, anchor);
    // A demo whose own ledger does not verify must not look like a success.
    if (!verdict.ok) throw new Error(`the ledger does not verify: ${verdict.message}`);
    const how =
      anchor === null ? '' : `, anchored at event ${anchor.seq} by commit ${anchor.commit.slice(0, 12)}`;
    terminal.out(`  ${terminal.paint('green', 'verified')}: ${verdict.events} events${how}`);
  }

  /** Lines of a log are long; what they say is said at their beginning. */
  private columns(): number {
    return Math.min(114, this.o.terminal.isTty ? this.o.terminal.columns() : 114);
  }

  private heading(text: string): void {
    this.o.terminal.out(`\n${this.o.terminal.paint('bold', escapeText(text))}`);
  }
}

/** What the agent says and how the checks end; the tests that pass say nothing new. */
function telling(log: string): string[] {
  const lines = log
    .split('\n')
    .filter((line) =>
      /^(I was|I will|So I|The checks failed|\[skein\] (accepted|rejected))|^✖ .*ms\)|^not ok/.test(line),
    );
  // The spec reporter lists what failed twice.
  return [...new Set(lines)].slice(0, 8);
}
