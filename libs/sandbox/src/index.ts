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
export { removeTree } from './launching/remove-tree.ts';
export { plainText } from './output/plain-text.ts';
export { trimMiddle } from './output/trimming.ts';
