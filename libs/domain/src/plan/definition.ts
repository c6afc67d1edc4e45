import type { JsonValue } from '../json.ts';

/**
 * A plan as the decider knows it: validated, defaults filled in, durations in milliseconds.
 * libs/contracts turns plan text into this shape; nothing after it looks at plan text again.
 */
export interface PlanDefinition {
  version: 1;
  name: string;
  /** For people and filters; no meaning to Skein. */
  labels: Record<string, string>;
  /** What was given at submission, defaults filled in. Expressions read them as `params.<name>`. */
  params: Record<string, JsonValue>;
  repo: RepoDefinition | null;
  /** Within its tenant: a plan gets twice the turns of one whose priority is one less. -10 to 10. */
  priority: number;
  /** When the plan is halted whatever it does; null: never. */
  deadline: DeadlineDefinition | null;
  /** Semaphores of this plan alone, by name: how many steps may hold one at once. */
  locks: Record<string, number>;
  /** Checks that are run on the base before any attempt is spent. */
  baseline: BaselineDefinition | null;
  /** progress.md as a commit on a branch of the repository, beside being rendered on reading. */
  progress: ProgressDefinition | null;
  /** How many of the plan's steps may be in flight at once; null leaves it to the fleet's caps. */
  maxParallel: number | null;
  /** A step whose leases were lost this often is poisoned. */
  maxLeases: number;
  sandbox: SandboxMode;
  /** null: results stay on private refs, nothing is merged (`integrate: none`). */
  integrate: IntegrateDefinition | null;
  steps: StepDefinition[];
}

/** Counted from the submission, or a time of day somewhere: ISO 8601 in UTC. */
export type DeadlineDefinition = { afterMs: number } | { at: string };

export interface BaselineDefinition {
  setup: string[];
  /** Each is judged by itself: green, red, or flaky (red, then green when run again). */
  verify: string[];
  env: Record<string, string>;
  network: boolean;
  timeout: StepTimeout;
  pool: string;
  /** What a red check does: the plan goes on and says so, or it halts before any attempt. */
  onRed: 'report' | 'halt';
}

export interface ProgressDefinition {
  /** Without `refs/heads/`. Ours alone: its commits hold nothing but the page. */
  branch: string;
  /** While the plan runs, a new page at most this often. */
  everyMs: number;
}

export type SandboxMode = 'auto' | 'required';

export interface RepoDefinition {
  /** A local folder or any git URL; checked against the worker's allow-list before use. */
  url: string;
  /** Branch, tag or full SHA that the plan starts from. */
  base: string;
}

export interface IntegrateDefinition {
  /** Branch to create, without `refs/heads/`; null means `skein/<plan name>-<first 8 of the plan id>`. */
  branch: string | null;
  setup: string[];
  verify: string[];
  env: Record<string, string>;
  network: boolean;
  timeout: StepTimeout;
  pool: string;
}

export interface StepTimeout {
  /** Wall clock of one attempt, everything included. */
  attemptMs: number;
  /** Longest silence of a program on its output. */
  idleMs: number;
}

export interface StepDefinition {
  name: string;
  needs: string[];
  /** An expression: false skips the step when its needs are met. null: always. */
  when: string | null;
  pool: string;
  /** Order among the plan's own steps: higher first. -10 to 10. */
  priority: number;
  /** Semaphores held while it is in flight, sorted: of the plan where it declares the name, else of its tenant. */
  locks: string[];
  /** Values that the step gives to the templates it includes: `with.<name>` in expressions. */
  with: Record<string, JsonValue>;
  /** Turns of the fix loop, counted across leases. */
  attempts: number;
  timeout: StepTimeout;
  paths: StepPaths;
  /** Shell commands run before the first attempt of each lease (e.g. installing dependencies). */
  setup: string[];
  /** Shell commands that must all exit 0 for an attempt to be accepted. */
  verify: string[];
  env: Record<string, string>;
  network: boolean;
  /** Names of outputs that the step must write to the JSON object in `$SKEIN_OUTPUTS`. */
  outputs: string[];
  matrix: MatrixDefinition | null;
  work: StepWork;
}

export interface StepPaths {
  /** Globs of files that the step may change; null allows all. */
  write: string[] | null;
  /** Globs of files that the step must not change; wins over `write`. */
  protect: string[];
}

export type MatrixDefinition =
  | { kind: 'list'; values: string[] }
  /** One step per chunk of the base's files that match; files are sorted by path. */
  | { kind: 'glob'; include: string[]; exclude: string[]; chunk: number }
  /** One step per item of the list that the expression gives when the step's needs are met. May be empty. */
  | { kind: 'from'; expression: string };

export type StepWork = NoopWork | WaitWork | RunWork | CodemodWork | AgentWork;

/** Does nothing: a join, or a bench's unit of work. */
export interface NoopWork {
  kind: 'noop';
}

/** Passes when its time has come. Holds no worker and no lease meanwhile. */
export interface WaitWork {
  kind: 'wait';
  /** From when its needs were met, or a time: ISO 8601 in UTC. An expression may give either as text. */
  until: { forMs: number } | { at: string } | { expression: string };
}

export interface RunWork {
  kind: 'run';
  /** Shell commands, run one after the other until one fails. Empty when there is a script. */
  commands: string[];
  /** A program of the plan, run by its `#!` line, else by sh. */
  script: { source: TextSource; args: string[] } | null;
}

export type CodemodWork = AstGrepWork | JscodeshiftWork;

/** A transform in the manner of jscodeshift: a module whose default export is `(file, api, options) => source`. */
export interface JscodeshiftWork {
  kind: 'codemod';
  engine: 'jscodeshift';
  parser: 'babel' | 'babylon' | 'flow' | 'ts' | 'tsx';
  transform: TextSource;
  options: Record<string, JsonValue>;
  /** Globs of files to rewrite; empty: the step's matrix files, else every file that the parser is for. */
  files: string[];
  unparsable: 'report' | 'fail';
}

export interface AstGrepWork {
  kind: 'codemod';
  engine: 'ast-grep';
  /** An ast-grep language name: JavaScript, TypeScript, Tsx, Html, Css. */
  language: string;
  /** ast-grep rules (YAML documents with `rule` and `fix`), inline or a file at the base SHA. */
  rules: TextSource;
  /** Globs of files to rewrite; empty: the step's matrix files, else every file of the language. */
  files: string[];
  /** What a source that cannot be parsed does to the step. */
  unparsable: 'report' | 'fail';
}

export interface AgentWork {
  kind: 'agent';
  adapter: 'command';
  /** Shell command that edits the worktree, given `$SKEIN_PROMPT` and, from attempt 2, `$SKEIN_FEEDBACK`. */
  command: string;
  prompt: TextSource;
}

/** Text given in the plan, or the path of a file of the repository, read at the base SHA. */
export type TextSource = { inline: string } | { file: string };

/** Files of the repository whose text the plan's steps need. */
export function textsNamed(steps: readonly StepDefinition[]): string[] {
  const sources = steps.flatMap(({ work }) => {
    switch (work.kind) {
      case 'codemod':
        return [work.engine === 'ast-grep' ? work.rules : work.transform];
      case 'agent':
        return [work.prompt];
      case 'run':
        return work.script ? [work.script.source] : [];
      default:
        return [];
    }
  });
  return [...new Set(sources.flatMap((source) => ('file' in source ? [source.file] : [])))];
}

/** What a step is: the kinds that a plan can name, and the system steps that every repository plan gets. */
export type SystemStepKind = 'resolve' | 'baseline' | 'integrate' | 'publish' | 'report' | 'clean';
export type StepKind = StepWork['kind'] | SystemStepKind;

/** A step after matrix expansion. Its ordinal `17` is written `s17` in refs, subjects and paths. */
export interface StepInstance {
  ordinal: number;
  /** For people: `convert[src/auth.js]`. May hold any character that a file name may hold. */
  name: string;
  kind: StepKind;
  /** Index into PlanDefinition.steps; null for system steps. */
  definition: number | null;
  matrix: MatrixValue | null;
}

/** `item`: of a list that was decided at run time. Programs see it as JSON, or as it is when it is text. */
export type MatrixValue = { value: string } | { files: string[] } | { item: JsonValue };

export function formatOrdinal(ordinal: number): string {
  return `s${ordinal}`;
}

/** `s17` or `17` to 17; null when the text is no ordinal. */
export function parseOrdinal(text: string): number | null {
  const match = /^s?(0|[1-9]\d{0,8})$/.exec(text);
  return match ? Number(match[1]) : null;
}
