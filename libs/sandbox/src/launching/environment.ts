import { randomBytes } from 'node:crypto';

/** Carried by all that a run starts where no namespace tells them apart. */
export const MARKER_NAME = 'SKEIN_RUN';

export interface OwnVariables {
  PATH: string;
  LANG: string;
  HOME: string;
  TMPDIR: string;
}

/** The whole environment of a program. Nothing of the worker's own gets in. */
export function composeEnvironment(own: OwnVariables, given: Record<string, string>): Record<string, string> {
  return { ...own, ...given };
}

/** The first wrong variable, for a person; null when all are right. */
export function environmentProblem(env: Record<string, string>): string | null {
  for (const [name, value] of Object.entries(env)) {
    // Also what a shell can export: the launcher of two kinds is a shell.
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(name))
      return `${JSON.stringify(name)} is no name of a variable`;
    if (name === MARKER_NAME) return `${name} is the sandbox's own variable`;
    if (value.includes('\0')) return `the variable ${name} holds a NUL character`;
    // One string of execve(2) holds at most 128 KB; longer values belong in a file.
    if (Buffer.byteLength(value) > 100_000) return `the variable ${name} is longer than 100,000 bytes`;
  }
  return null;
}

/** `SKEIN_RUN=<32 hex digits>`. */
export function newMarker(): string {
  return `${MARKER_NAME}=${randomBytes(16).toString('hex')}`;
}

export function markerEnvironment(marker: string): Record<string, string> {
  return { [MARKER_NAME]: marker.slice(MARKER_NAME.length + 1) };
}
