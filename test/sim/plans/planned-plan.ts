import type { JsonValue, PlanCommandInput, PlanDefinition } from '#domain';

/** What the work of a step comes to, whoever does it. Steps of one definition share it. */
export interface Behaviour {
  /** Of one attempt (true ms). */
  workMs: number;
  /** So many attempts are rejected before one is accepted. */
  rejects: number;
  /** So many leases are handed back for an outside fault, the first ones. */
  faults: number;
  /** So many leases kill their worker, the first ones. */
  kills: number;
  /** It ends as blocked, whatever the attempt. */
  blocks: boolean;
  outputs: Record<string, JsonValue>;
  /** It leaves a commit. */
  commits: boolean;
}

export const PLAIN: Behaviour = {
  workMs: 50,
  rejects: 0,
  faults: 0,
  kills: 0,
  blocks: false,
  outputs: {},
  commits: false,
};

export type OperatorVerb = PlanCommandInput['kind'] | 'redrive' | 'fork';

/** What people ask the fleet for. */
export type Asked = 'submit' | 'submit-other' | 'limits' | OperatorVerb;

/** What an operator does to a plan. */
export interface Operation {
  verb: OperatorVerb;
  /** After the plan's submission (true ms). */
  afterMs: number;
  /** Which of the steps that the verb makes sense for; taken modulo their number. Null for verbs of whole plans. */
  choice: number | null;
}

/** A plan that users bring, with what will become of its steps. */
export interface PlannedPlan {
  planId: string;
  tenant: string;
  submitAtMs: number;
  /** The submission is repeated under the same key: unchanged, or as another text. */
  repeats: ('same' | 'other')[];
  definition: PlanDefinition;
  /** By the name of the definition, or of the system step. */
  behaviours: Record<string, Behaviour>;
  /** What glob matrices find. Key: index of the definition. */
  files: Record<string, string[]>;
  operations: Operation[];
  /** So many of its dead letters are redriven, each by the person who is paged for it. */
  redrives: number;
}

/** A fork has the name of its origin. */
export function forkOf(planId: string): string {
  return planId.replace('plan', 'fork');
}

export function originOf(planId: string): string {
  return planId.replace('fork', 'plan');
}

/** The name that a step's behaviour is kept under: `b[x]` is of `b`. */
export function behaviourOf(plan: PlannedPlan, stepName: string): Behaviour {
  return plan.behaviours[stepName.split('[')[0] ?? ''] ?? PLAIN;
}
