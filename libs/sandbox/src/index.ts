export {
  type RunEnd,
  type RunLimits,
  type RunResult,
  type RunSpec,
  type SandboxKind,
  succeeded,
} from './run-spec.ts';
export { Sandbox, type SandboxOptions } from './sandbox.ts';
export { type DetectedSandbox, type DetectOptions, type SandboxTrial, detectSandbox } from './detecting.ts';
