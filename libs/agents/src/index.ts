export type { AgentAdapter, AgentReport, AgentTask } from './adapter.ts';
export { CommandAdapter } from './command-adapter.ts';
export type { CodemodFileProblem, CodemodReport } from './codemod/job.ts';
export { extensionsOf, findLanguage } from './codemod/languages.ts';
export { type CodemodResult, type CodemodTask, runCodemod } from './codemod/run-codemod.ts';
export { type Feedback, FEEDBACK_BYTES_MAX, composeFeedback } from './feedback.ts';
