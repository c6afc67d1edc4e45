import type { RunLimits, RunResult, Sandbox } from '#sandbox';

/** One turn of an agent. The adapter runs a program that edits the worktree; what counts is the worktree's diff. */
export interface AgentTask {
  /** Working directory and the one folder that the agent may change. */
  worktree: string;
  /** The prompt: shown to the agent as `$SKEIN_PROMPT`. */
  promptFile: string;
  /** What went wrong in the attempt before: `$SKEIN_FEEDBACK`. Null in the first attempt. */
  feedbackFile: string | null;
  /** Further variables of the agent (SKEIN_INPUTS, SKEIN_FILES, the plan's env, ...). */
  env: Record<string, string>;
  sandbox: Sandbox;
  limits: RunLimits;
  network: boolean;
  /** Read-only for the agent, beside the two files. */
  readable: string[];
  /** Writable for the agent, beside the worktree (where `$SKEIN_OUTPUTS` is, for example). */
  writable: string[];
  /** Shown empty. */
  hidden?: string[];
  /** Home that outlives the turn. */
  home?: string;
  onOutput?(chunk: Buffer): void | Promise<void>;
}

export interface AgentReport {
  run: RunResult;
  /** The agent says that it is done. Never believed without our own diff and checks. */
  ok: boolean;
  /** One or two sentences for a person. */
  summary: string;
}

export interface AgentAdapter {
  readonly name: string;
  run(task: AgentTask, signal: AbortSignal): Promise<AgentReport>;
}
