import type { components } from './generated/api.ts';

type Schemas = components['schemas'];

export type PlanView = Schemas['Plan'];
export type PlanPage = Schemas['PlanList'];
export type StepCounts = Schemas['StepCounts'];
export type StepView = Schemas['Step'];
export type AttemptView = Schemas['Attempt'];
export type LedgerEvent = Schemas['LedgerEvent'];
export type LedgerPage = Schemas['LedgerPage'];
export type SubmittedPlan = Schemas['SubmittedPlan'];
export type DryRun = Schemas['DryRun'];
export type DeadLetter = Schemas['DeadLetter'];
export type RedrivenDeadLetters = Schemas['RedrivenDeadLetters'];
export type Explanation = Schemas['Explanation'];
export type ForkedPlan = Schemas['ForkedPlan'];
export type Reason = Schemas['Reason'];
export type LimitsView = Schemas['Limits'];
export type LimitView = Schemas['Limit'];
export type SinkView = Schemas['Sink'];
export type SinkTest = Schemas['SinkTest'];
