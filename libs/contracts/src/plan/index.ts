export { digestWithGiven } from './plan-digest.ts';
export { type ParsedPlan, type ParsePlanOptions, parsePlan } from './parse-plan.ts';
export { type PlanProblem, type PlanProblemCode, show } from './problem.ts';
export { isLocalFolder, repoUrlProblem, resolveRepoInText, resolveRepoUrl } from './repo-url.ts';
export { type PageExample, planFormatPage } from './format-page.ts';
export { type JsonSchema, planJsonSchema } from './json-schema.ts';
export { repoBaseProblem } from './repo-base.ts';
export { parseDuration } from './duration.ts';
export { didYouMean } from './suggestion.ts';
