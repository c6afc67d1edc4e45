import { execFile } from 'node:child_process';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Linux: boot id and start tick. Elsewhere: what `ps` says. Equal only for the same process. */
  startTime: string;
}

/** One step of ending a process: send the signal, wait at most this long. */
export interface StopStage {
  signal: NodeJS.Signals;
  graceMs: number;
}

/** Null: there is no such process (a zombie counts as gone: it runs nothing and holds no port). */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const startTime = process.platform === 'linux' ? await linuxStartTime(pid) : await psStartTime(pid);
  return startTime === null ? null : { pid, startTime };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now !== null && now.startTime === identity.startTime;
}

/**
 * Goes through the stages until the process is gone; true when it is.
 * The start time is compared before every signal, so that a recycled pid is never hit.
 */
export async function stopProcess(identity: ProcessIdentity, stages: StopStage[]): Promise<boolean> {
  for (const { signal, graceMs } of stages) {
    if (!(await isAlive(identity))) return true;
    if (!sendSignal(identity.pid, signal)) return true;
    if (await isGoneWithin(identity, graceMs)) return true;
  }
  return !(await isAlive(identity));
}

/** Programs called `program` that were started with `argument`: finds servers whose pid nobody had time to write down. */
export async function findByArgument(program: string, argument: string): Promise<ProcessIdentity[]> {
  const found = await findPrograms([program], (argv) => argv.includes(argument));
  return found.map(({ identity }) => identity);
}

/** The same for servers whose arguments name something below a folder. */
export async function findServersBelow(
  programs: string[],
  folder: string,
): Promise<{ program: string; identity: ProcessIdentity }[]> {
  return findPrograms(programs, (argv) => argv.some((argument) => argument.startsWith(`${folder}/`)));
}

async function findPrograms(
  programs: string[],
  matches: (args: string[]) => boolean,
): Promise<{ program: string; identity: ProcessIdentity }[]> {
  const found: { program: string; identity: ProcessIdentity }[] = [];
  for (const { pid, argv } of await listCommands()) {
    const program = argv[0]?.split('/').pop() ?? '';
    if (!programs.includes(program) || !matches(argv.slice(1))) continue;
    const identity = await identify(pid);
    if (identity !== null) found.push({ program, identity });
  }
  return found;
}

/** The folder in which a process runs; null when that cannot be told. */
export async function workingDirectory(pid: number): Promise<string | null> {
  return readlink(`/proc/${pid}/cwd`).catch(() => null);
}

async function isGoneWithin(identity: ProcessIdentity, graceMs: number): Promise<boolean> {
  const deadline = Date.now() + graceMs;
  for (let pauseMs = 10; Date.now() < deadline; pauseMs = Math.min(pauseMs * 2, 100)) {
    if (!(await isAlive(identity))) return true;
    await new Promise((wake) => setTimeout(wake, pauseMs));
  }
  return !(await isAlive(identity));
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

let bootId: Promise<string> | undefined;

async function linuxStartTime(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // The command name is in parentheses and may itself hold spaces and parentheses: fields count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTick = fields[19];
  if (startTick === undefined || state === 'Z' || state === 'X') return null;
  bootId ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (id) => id.trim(),
    () => 'unknown-boot',
  );
  return `${await bootId}:${startTick}`;
}

async function psStartTime(pid: number): Promise<string | null> {
  const answer = await run('ps', ['-o', 'state=,lstart=', '-p', String(pid)]).catch(() => null);
  const line = answer?.stdout.trim() ?? '';
  if (line === '' || line.startsWith('Z')) return null;
  return line.slice(line.indexOf(' ') + 1).trim();
}

async function listCommands(): Promise<{ pid: number; argv: string[] }[]> {
  if (process.platform !== 'linux') return psCommands();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands: { pid: number; argv: string[] }[] = [];
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (text !== '') commands.push({ pid: Number(pid), argv: text.split('\0') });
  }
  return commands;
}

/** `ps` does not mark where an argument ends: a path with spaces is not found here, and is then found by its pid file. */
async function psCommands(): Promise<{ pid: number; argv: string[] }[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,command='], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line);
    return match === null ? [] : [{ pid: Number(match[1]), argv: match[2]!.split(' ') }];
  });
}
