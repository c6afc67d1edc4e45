import type { Logger } from '#telemetry';
import type { SandboxKind } from './run-spec.ts';

export interface DetectOptions {
  /** PATH in which bwrap and unshare are looked for. */
  path: string;
  log: Logger;
}

/** What was tried, best first, and why a kind does not work. */
export interface SandboxTrial {
  kind: SandboxKind;
  works: boolean;
  reason: string;
}

export interface DetectedSandbox {
  kind: SandboxKind;
  /** One sentence for a person: why this kind. */
  reason: string;
  trials: SandboxTrial[];
}

/** The best kind that works here, found by running a trivial program in each. */
export async function detectSandbox(options: DetectOptions): Promise<DetectedSandbox> {
  throw new Error(`landing soon: ${options.path}`);
}
