import { z } from 'zod';
import type { CommitRef, JsonValue } from '#domain';

/** A lease as its worker names it in every message. */
export const leaseKey = z.strictObject({
  planId: z.string().regex(/^[a-z0-9]{8,64}$/),
  ordinal: z.int().nonnegative(),
  epoch: z.int().positive(),
  worker: z.string().regex(/^[a-z0-9-]{1,64}$/),
  /** Drawn by the worker for its claim: 32 hex digits. */
  token: z.string().regex(/^[0-9a-f]{32}$/),
});
export type LeaseKey = z.infer<typeof leaseKey>;

const sha = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const commitRef = z.strictObject({ sha, ref: z.string().max(400) });
const reason = z.strictObject({ code: z.string().max(64), message: z.string().max(8_192) });
const diffstat = z.strictObject({
  files: z.int().nonnegative(),
  insertions: z.int().nonnegative(),
  deletions: z.int().nonnegative(),
});
const jsonValue: z.ZodType<JsonValue> = z.json();

export const claimMessage = z.strictObject({ lease: leaseKey });
export type ClaimMessage = z.infer<typeof claimMessage>;

/** One turn of the fix loop. An accepted attempt carries the outputs and ends the step. */
export const attemptMessage = z.strictObject({
  lease: leaseKey,
  attempt: z.int().positive(),
  startedAt: z.iso.datetime(),
  durationMs: z.int().nonnegative(),
  verdict: z.enum(['accepted', 'rejected']),
  reason,
  commit: commitRef.nullable(),
  feedback: z.string().max(65_536).nullable(),
  diffstat: diffstat.nullable(),
  logKey: z.string().max(400).nullable(),
  diffKey: z.string().max(400).nullable(),
  outputs: z.record(z.string(), jsonValue),
  traceparent: z.string().max(64).nullable(),
});
export type AttemptMessage = z.infer<typeof attemptMessage>;

/** How a step without a fix loop ended, or a step that cannot begin its loop (a conflict among its needs). */
export const resultMessage = z.strictObject({
  lease: leaseKey,
  result: z.discriminatedUnion('status', [
    z.strictObject({
      status: z.literal('passed'),
      commit: commitRef.nullable(),
      outputs: z.record(z.string(), jsonValue),
      /** Only from `resolve`: what the repository said. */
      resolved: z
        .strictObject({
          baseSha: sha,
          /** For each definition with a glob matrix: the matching files, sorted. Key: index of the definition. */
          files: z.record(z.string(), z.array(z.string())),
          /** Texts that the plan names as files of the repository. Key: path. */
          texts: z.record(z.string(), z.string()),
        })
        .nullable(),
      /** Only from `integrate`: the candidate. Null commit above: there was nothing to integrate. */
      candidate: z
        .strictObject({
          branch: z.string().max(255),
          commit: commitRef,
          expectedOld: sha.nullable(),
          baseSha: sha,
          diffstat: diffstat.nullable(),
        })
        .nullable(),
    }),
    z.strictObject({ status: z.literal('blocked'), reason }),
  ]),
  traceparent: z.string().max(64).nullable(),
});
export type ResultMessage = z.infer<typeof resultMessage>;

/** The worker gives the lease back. `fault`: something outside failed (remote unreachable); it is retried with backoff. */
export const releaseMessage = z.strictObject({
  lease: leaseKey,
  cause: z.enum(['draining', 'fault']),
  reason,
});
export type ReleaseMessage = z.infer<typeof releaseMessage>;

/** Of one worker; its settings take no more. Admission goes by the sum: made-up ones must not stand for a fleet. */
export const WORKER_SLOTS_MAX = 4_096;

export const heartbeatMessage = z.strictObject({
  worker: leaseKey.shape.worker,
  pools: z.array(z.string().max(64)).max(32),
  slots: z.int().nonnegative().max(WORKER_SLOTS_MAX),
  draining: z.boolean(),
  leases: z.array(leaseKey.omit({ worker: true })).max(WORKER_SLOTS_MAX),
});
export type HeartbeatMessage = z.infer<typeof heartbeatMessage>;

/**
 * The answer to claim, attempt, result and release: given after the commit.
 * `applied`: it is in the ledger (also when a repeated message had been applied before).
 * `lost`: the lease is not (or no longer) the sender's; nothing was applied and the work must stop.
 * `refused`: the message itself is wrong; repeating it cannot help.
 */
export type DeciderReply =
  | { status: 'applied'; next: 'continue' | 'stop' }
  | { status: 'lost'; reason: string }
  | { status: 'refused'; reason: string };

/**
 * The answer to a heartbeat. Leases in `lost` must stop. Of those in `unsure` a decider that may be deposed can say
 * nothing: they are neither lost nor confirmed. The others hold for `leaseMs` from the request's sending.
 */
export interface HeartbeatReply {
  term: number;
  leaseMs: number;
  lost: { planId: string; ordinal: number; epoch: number; reason: string }[];
  /** Absent: none. */
  unsure?: { planId: string; ordinal: number; epoch: number }[];
}

/** Sent by the decider every second and on request. Generation names change when JetStream was wiped. */
export interface Announcement {
  term: number;
  decider: string;
  /** Suffix of stream and consumer names. */
  generation: string;
  /** Pools that have a consumer. */
  pools: string[];
  leaseMs: number;
}

/** A signal to one worker: stop a lease now. */
export interface WorkerSignal {
  kind: 'abort';
  planId: string;
  ordinal: number;
  epoch: number;
  reason: string;
}

/** All that a worker is told about a step. Self-contained: workers read no database. */
export interface Job {
  version: 1;
  planId: string;
  planName: string;
  ordinal: number;
  epoch: number;
  pool: string;
  stepName: string;
  repo: { url: string; base: string } | null;
  baseSha: string | null;
  sandbox: 'auto' | 'required';
  /** The tenant is trusted to run without a sandbox when none works on the worker's host. */
  trusted: boolean;
  work: JobWork;
  traceparent: string | null;
}

export type JobWork =
  NoopJob | LoopJob | ResolveJob | BaselineJob | IntegrateJob | PublishJob | ReportJob | CleanJob;

export interface NoopJob {
  kind: 'noop';
}

/** A step with a fix loop. */
export interface LoopJob {
  kind: 'run' | 'codemod' | 'agent';
  /** The first attempt of this lease: attempts already used, plus one. */
  attempt: number;
  attempts: number;
  /** Results of the needs, merged in this order to make the start. Empty: the start is the base. */
  inputs: StepInput[];
  /** Author and committer date of that merge: ISO 8601. The same in every lease of the step, so that the merge is. */
  date?: string;
  /** The last recorded attempt, to go on from. */
  previous: { commit: CommitRef | null; feedback: string } | null;
  /** `$SKEIN_MATRIX`: an item's text as it is, any other item as JSON. */
  matrix: { value: string } | { files: string[] } | { item: JsonValue } | null;
  /**
   * What the expressions in commands came to: `SKEIN_VALUE_<n>` to its text. Commands only refer to these variables,
   * so that no value is ever read as shell. They are in the environment of every program of the step.
   */
  values: Record<string, string>;
  /** Outputs of the needs by step name, for `$SKEIN_INPUTS`. */
  inputOutputs: Record<string, Record<string, JsonValue>>;
  timeout: { attemptMs: number; idleMs: number };
  paths: { write: string[] | null; protect: string[] };
  setup: string[];
  verify: string[];
  env: Record<string, string>;
  network: boolean;
  outputs: string[];
  task: RunTask | AstGrepTask | JscodeshiftTask | AgentTask;
}

export interface RunTask {
  kind: 'run';
  /** Run one after the other until one fails. Empty when there is a script. */
  commands: string[];
  /** A program of the plan, run after the commands by its `#!` line, else by sh. No shell ever reads `args`. */
  script: { text: string; args: string[] } | null;
}

export interface AstGrepTask {
  kind: 'codemod';
  engine: 'ast-grep';
  language: string;
  rules: string;
  files: string[];
  unparsable: 'report' | 'fail';
}

export interface JscodeshiftTask {
  kind: 'codemod';
  engine: 'jscodeshift';
  parser: 'babel' | 'babylon' | 'flow' | 'ts' | 'tsx';
  /** The text of the transform's module. */
  transform: string;
  /** Given to the transform as its third argument. */
  options: Record<string, JsonValue>;
  files: string[];
  unparsable: 'report' | 'fail';
}

export interface AgentTask {
  kind: 'agent';
  adapter: 'command';
  command: string;
  prompt: string;
}

export interface StepInput {
  ordinal: number;
  stepName: string;
  commit: CommitRef;
}

/** The first step of a repository plan: what only git can say. */
export interface ResolveJob {
  kind: 'resolve';
  globs: { definition: number; include: string[]; exclude: string[] }[];
  /** Paths of texts that the plan names, read at the base. */
  texts: string[];
  maxFiles: number;
}

/** Runs the plan's checks on the untouched base. Its result's outputs are a {@link BaselineReport}. */
export interface BaselineJob {
  kind: 'baseline';
  setup: string[];
  /** Each is judged by itself. */
  verify: string[];
  env: Record<string, string>;
  /** As of a step: see {@link LoopJob}. */
  values: Record<string, string>;
  network: boolean;
  timeout: { attemptMs: number; idleMs: number };
  /** `halt`: a red check makes the step `blocked` (`baseline-red`); a flaky one never does. */
  onRed: 'report' | 'halt';
}

/** The outputs of a `baseline` step. */
export interface BaselineReport {
  /** In the order of the plan's text. */
  checks: BaselineCheck[];
  /** Nothing was run: the same checks had been green on the same base on this worker's host before. */
  cached: boolean;
}

export interface BaselineCheck {
  /** Shortened when it is long. */
  command: string;
  /** `flaky`: red, then green when run again on a fresh worktree. */
  verdict: 'green' | 'red' | 'flaky';
  /** Of its first run. */
  durationMs: number;
  /** How its first run failed; null when it is green. */
  reason: string | null;
}

export interface IntegrateJob {
  kind: 'integrate';
  branch: string;
  /** Accepted results in ordinal order. */
  inputs: StepInput[];
  /** Head of the plan's ledger when the job was made: written into the commit's trailer as the anchor. */
  ledgerHead: { seq: number; hash: string };
  setup: string[];
  verify: string[];
  env: Record<string, string>;
  /** As of a step: see {@link LoopJob}. */
  values: Record<string, string>;
  network: boolean;
  timeout: { attemptMs: number; idleMs: number };
  /** Author and committer date of the merge commits: ISO 8601. */
  date: string;
}

/** Carries out an accepted integration by compare-and-swap. */
export interface PublishJob {
  kind: 'publish';
  branch: string;
  commit: CommitRef;
  expectedOld: string | null;
}

/** Makes a page the only file of a branch that is the plan's alone, by compare-and-swap. */
export interface ReportJob {
  kind: 'report';
  /** Without `refs/heads/`. */
  branch: string;
  /** Of the page in the branch's tree, e.g. `progress.md`. */
  path: string;
  text: string;
  /** The commit's message; the worker adds the trailer that says whose branch it is. */
  message: string;
  /** Author and committer date of the commit: ISO 8601. */
  date: string;
}

/** Removes the plan's private refs after its end. */
export interface CleanJob {
  kind: 'clean';
  /** Refs that the ledger still needs; everything else below `refs/skein/<plan>/` goes. */
  keep: string[];
}
