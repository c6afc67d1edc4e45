export type { AgentAdapter, AgentReport, AgentTask } from './adapter.ts';
export { CommandAdapter } from './command-adapter.ts';
export type { CodemodFileProblem, CodemodReport } from './codemod/job.ts';
