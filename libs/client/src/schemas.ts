import type { components } from './generated/api.ts';

type Schemas = components['schemas'];

export type Plan = Schemas['Plan'];
export type PlanList = Schemas['PlanList'];
export type StepCounts = Schemas['StepCounts'];
export type Step = Schemas['Step'];
export type StepList = Schemas['StepList'];
export type Attempt = Schemas['Attempt'];
export type AttemptList = Schemas['AttemptList'];
export type LedgerEvent = Schemas['LedgerEvent'];
export type LedgerPage = Schemas['LedgerPage'];
export type SubmittedPlan = Schemas['SubmittedPlan'];
export type Reason = Schemas['Reason'];
