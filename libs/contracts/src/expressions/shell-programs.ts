/** Programs that read text as shell once more. Known by their names: whoever hides one behind another name is on his own. */

const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh']);
const TAKES_SCRIPT = new Set([...SHELLS, 'su', 'runuser', 'script', 'flock', 'sg', 'watch']);
const READS_ALL_AGAIN = new Set(['eval', 'ssh', 'alias', 'trap', '[[']);
/** What may stand before the name of a command. */
const BEFORE_COMMAND = new Set(
  'sudo env exec command builtin nohup time nice setsid then do else elif if while until ! {'.split(' '),
);

/** Whether the word that is being read goes to a program that reads it as shell. */
export function isReadAgain(done: readonly string[]): boolean {
  if (READS_ALL_AGAIN.has(programOf(done) ?? '')) return true;
  const before = done.at(-1);
  return (
    before !== undefined &&
    /^-[A-Za-z]*c$/.test(before) &&
    done.slice(0, -1).some((word) => TAKES_SCRIPT.has(baseName(word)))
  );
}

/** Whether the command is a shell without a script, which reads its commands from its input. */
export function readsCommands(words: readonly string[]): boolean {
  const program = programOf(words);
  if (program === 'ssh') return true;
  if (program === null || !SHELLS.has(program)) return false;
  const args = words.slice(words.findIndex((word) => baseName(word) === program) + 1);
  return args.every((arg) => arg.startsWith('-') && !/^-[A-Za-z]*c$/.test(arg)) || args.includes('-s');
}

function programOf(words: readonly string[]): string | null {
  const first = words.find((word) => !BEFORE_COMMAND.has(word) && !/^[A-Za-z_]\w*=/.test(word));
  return first === undefined ? null : baseName(first);
}

function baseName(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}
