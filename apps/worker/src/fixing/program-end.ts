import type { Reason } from '#domain';
import type { RunResult } from '#sandbox';
import { printable } from './printable.ts';

/** Which program of an attempt ran, for the sentence that says why it failed. */
export interface Program {
  phase: 'setup' | 'command' | 'codemod' | 'agent' | 'verify';
  /** As the plan wrote it. */
  command: string;
}

/** Why a program's end rejects the attempt; null when it ended well. */
export function judgeEnd(program: Program, run: RunResult): Reason | null {
  const name = `${PHASE_NAMES[program.phase]} ${quoteCommand(program.command)}`;
  switch (run.end) {
    case 'exited':
      return run.exitCode === 0
        ? null
        : { code: FAILURE_CODES[program.phase], message: `${name} ${howItExited(run)}.` };
    case 'wall-timeout':
      return {
        code: 'attempt-timeout',
        message: `${name} was still running at the attempt's deadline and was stopped after ${seconds(run)}. Make it faster or raise timeout.attempt.`,
      };
    case 'idle-timeout':
      return {
        code: 'idle-timeout',
        message: `${name} printed nothing for too long and was stopped after ${seconds(run)}. Let it show progress or raise timeout.idle.`,
      };
    case 'output-limit':
      return {
        code: 'output-limit',
        message: `${name} printed more than is allowed and was stopped. ${says(run)}`,
      };
    case 'disk-limit':
      return { code: 'disk-limit', message: `${name} filled its disk quota and was stopped. ${says(run)}` };
    case 'memory-limit':
      return {
        code: 'memory-limit',
        message: `${name} used more memory than is allowed and was stopped. ${says(run)}`,
      };
    case 'process-limit':
      return {
        code: 'process-limit',
        message: `${name} started more processes than are allowed and was stopped. ${says(run)}`,
      };
    case 'aborted':
    case 'not-started':
      return { code: 'not-started', message: `${name} did not run. ${says(run)}` };
  }
}

/** After these the worktree may hold anything in any amount: it is not looked at, only thrown away. */
export function leavesRubble(run: RunResult): boolean {
  return run.end === 'disk-limit';
}

const PHASE_NAMES = {
  setup: 'The setup command',
  command: 'The command',
  codemod: 'The codemod',
  agent: 'The agent',
  verify: 'The check',
} as const;

const FAILURE_CODES = {
  setup: 'setup-failed',
  command: 'command-failed',
  codemod: 'codemod-failed',
  agent: 'agent-failed',
  verify: 'verify-failed',
} as const;

export function quoteCommand(command: string): string {
  const line = printable(command.trim()).replace(/\s+/g, ' ');
  return `\`${line.length > 200 ? `${line.slice(0, 199)}…` : line}\``;
}

function howItExited(run: RunResult): string {
  if (run.signal !== null) return `was ended by ${run.signal} after ${seconds(run)}`;
  return `exited with ${run.exitCode ?? 'no code'} after ${seconds(run)}`;
}

function seconds(run: RunResult): string {
  return run.durationMs < 10_000
    ? `${(run.durationMs / 1_000).toFixed(1)} s`
    : `${Math.round(run.durationMs / 1_000)} s`;
}

function says(run: RunResult): string {
  return printable(run.message).slice(0, 2_000);
}
