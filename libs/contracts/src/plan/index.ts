export { type ParsedPlan, type ParsePlanOptions, parsePlan } from './parse-plan.ts';
export { type PlanProblem, type PlanProblemCode, show } from './problem.ts';
export { isLocalFolder, repoUrlProblem, resolveRepoInText, resolveRepoUrl } from './repo-url.ts';
export { type JsonSchema, planJsonSchema } from './json-schema.ts';
export { parseDuration } from './duration.ts';
export { didYouMean } from './suggestion.ts';
