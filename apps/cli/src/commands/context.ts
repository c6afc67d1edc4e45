import type { CoordinatorClient } from '../client/coordinator-client.ts';
import type { ExitCode } from '../exit-code.ts';
import type { Terminal } from '../rendering/terminal.ts';

/** What every command is given. */
export interface CommandContext {
  terminal: Terminal;
  client: CoordinatorClient;
}

/** A command's work: prints, and says how the process ends. */
export type CommandResult = Promise<ExitCode>;

export interface UpOptions {
  port?: number;
  workers?: number;
  slots?: number;
  dataDir?: string;
}

export interface VerifyOptions {
  anchor?: string;
  repo?: string;
  ref?: string;
  limits: boolean;
  json: boolean;
}

/** One machine-readable line. JSON escapes control characters below 0x20 itself; the others are escaped here. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
