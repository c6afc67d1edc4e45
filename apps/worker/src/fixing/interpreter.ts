import { printable } from './printable.ts';

export interface Interpreter {
  /** The `#!` line, for people. */
  line: string;
  /** What comes before the script's own path. */
  argv: string[];
  /** Programs that must be there for it to start: by path, or by name in PATH. */
  needs: string[];
}

export type ReadInterpreter =
  /** null: there is no `#!` line. */
  { status: 'read'; interpreter: Interpreter | null } | { status: 'wrong'; problem: string };

/** A script's `#!` line, read as the kernel does: a path, and all that follows as one argument. */
export function readInterpreter(script: string): ReadInterpreter {
  if (!script.startsWith('#!')) return { status: 'read', interpreter: null };
  const end = script.indexOf('\n');
  const whole = end === -1 ? script : script.slice(0, end);
  const line = printable(whole).slice(0, 200);
  if (whole.endsWith('\r')) {
    return wrong(
      `The script's first line (${line}) ends with a carriage return, so no interpreter has that name. Save it with Unix line ends (LF).`,
    );
  }
  const [, path = '', argument = ''] = /^#![ \t]*([^ \t]*)[ \t]*(.*?)[ \t]*$/.exec(whole) ?? [];
  if (!path.startsWith('/') || whole.includes('\0')) {
    return wrong(
      `The script begins with ${line}, which names no interpreter by its full path. Write for example #!/usr/bin/env node.`,
    );
  }
  const argv = argument === '' ? [path] : [path, argument];
  return { status: 'read', interpreter: { line, argv, needs: [path, ...soughtByEnv(path, argument)] } };
}

/** `env node`, `env -S node --flag`, `env A=b node`: the program that env(1) is to find. */
function soughtByEnv(path: string, argument: string): string[] {
  if (!path.endsWith('/env')) return [];
  const words = argument.split(/[ \t]+/).map((word) => word.replace(/^(-S|--split-string=)/, ''));
  const sought = words.find((word) => word !== '' && !word.startsWith('-') && !word.includes('='));
  return sought === undefined ? [] : [sought];
}

function wrong(problem: string): ReadInterpreter {
  return { status: 'wrong', problem };
}
