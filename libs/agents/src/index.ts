export type { AgentAdapter, AgentReport, AgentTask } from './adapter.ts';
export { CommandAdapter } from './command-adapter.ts';
export type { CodemodFileProblem, CodemodReport } from './codemod/job.ts';
export { extensionsOf, extensionsOfParser, findLanguage } from './codemod/languages.ts';
export { type CodemodResult, type CodemodTask, runCodemod } from './codemod/run-codemod.ts';
export type { TransformParser, TransformReport } from './codemod/transforms/transform-job.ts';
export {
  type TransformResult,
  type TransformTask,
  runTransform,
} from './codemod/transforms/run-transform.ts';
export { type Feedback, FEEDBACK_BYTES_MAX, composeFeedback } from './feedback.ts';
