import type { RunTask } from '#contracts';
import type { Reason } from '#domain';
import { succeeded } from '#sandbox';
import { readInterpreter, type Interpreter } from '../fixing/interpreter.ts';
import { printable } from '../fixing/printable.ts';
import { StepBlockedError } from '../leasing/errors.ts';
import type { ProgramEnd } from './program-runner.ts';
import type { TaskSetting } from './task-setting.ts';

/** What shells and env(1) exit with when a program is not there, or cannot be executed. */
const NOT_FOUND: readonly (number | null)[] = [126, 127];
/** As the sandbox has it for one argument and for all. */
const ARGUMENT_BYTES_MAX = 100_000;
const ARGUMENTS_BYTES_MAX = 900_000;

/**
 * Runs the plan's script as the kernel would: by the interpreter of its `#!` line, else by sh. We start the interpreter
 * ourselves, so that a work folder on a disk without execute permission does no harm; no shell reads the arguments.
 */
export async function runScript(
  setting: TaskSetting,
  { text, args }: NonNullable<RunTask['script']>,
): Promise<ProgramEnd> {
  const { runner, place, log, given } = setting;
  if (given.script === null) throw new Error('the script of the step was not written');
  checkArguments(args);
  const program = { phase: 'command', command: ['script', ...args].join(' ') } as const;
  const read = readInterpreter(text);
  if (read.status === 'wrong') throw new StepBlockedError({ code: 'script-wrong', message: read.problem });
  const { interpreter } = read;
  const argv = [...(interpreter?.argv ?? ['/bin/sh']), given.script, ...args];
  const end = await runner.run(program, place, log, argv);
  if (interpreter === null || end.reason === null || !NOT_FOUND.includes(end.run.exitCode)) return end;
  const missing = await missingProgram(setting, interpreter);
  if (missing !== null) log.note(missing.message);
  return { ...end, reason: missing ?? end.reason };
}

/** Asked only of a script that did not start, or that itself ended as if it had not. */
async function missingProgram(
  { context, runner, place }: TaskSetting,
  { line, needs }: Interpreter,
): Promise<Reason | null> {
  for (const name of needs) {
    const { env, writable, readable, home } = place;
    const argv = ['/bin/sh', '-c', 'command -v "$1"', 'sh', name];
    const where = { cwd: place.worktree, env, writable, readable, home, network: false };
    const limits = runner.limits(place);
    const found = await context.tools.sandbox.run({ argv, ...where, limits }, context.lease.signal);
    if (succeeded(found) || found.end !== 'exited') continue;
    return {
      code: 'script-interpreter-missing',
      message: `The script begins with ${line}, but ${printable(name)} is not in the step's sandbox, which has the system's folders and those of the workers' PATH. Name another interpreter, or install it on the workers.`,
    };
  }
  return null;
}

/** They come from expressions: the sandbox would refuse to start, which is no fault of this worker. */
function checkArguments(args: string[]): void {
  const sizes = args.map((arg) => Buffer.byteLength(arg) + 1);
  const problem = args.some((arg) => arg.includes('\0'))
    ? 'holds a NUL character, which no argument can'
    : sizes.some((bytes) => bytes > ARGUMENT_BYTES_MAX)
      ? `is longer than ${ARGUMENT_BYTES_MAX} bytes`
      : null;
  if (problem !== null) throw unusable(`An argument of the script ${problem}`);
  if (sizes.reduce((sum, bytes) => sum + bytes, 0) > ARGUMENTS_BYTES_MAX)
    throw unusable(`The arguments of the script are longer than ${ARGUMENTS_BYTES_MAX} bytes together`);
}

function unusable(what: string): StepBlockedError {
  const message = `${what}. Hand large values on in files.`;
  return new StepBlockedError({ code: 'script-arguments', message });
}
