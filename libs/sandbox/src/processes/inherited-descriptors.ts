import { closeSync, readFileSync, readdirSync } from 'node:fs';

const STANDARD_MAX = 2;
/** O_CLOEXEC of Linux, as in /proc/<pid>/fdinfo. */
const CLOSE_ON_EXEC = 0o2000000;

let closed = false;

/**
 * Closes what this process was given by whoever started it (a shell's `exec 200<file`, a supervisor's sockets) and
 * would hand on to every program. All that Node opens itself is closed on exec, and so it marks the first 16 of what
 * it inherits; those above reached the steps. Once in a process's life. Which were closed; none where there is no /proc.
 */
export function closeInheritedDescriptors(): number[] {
  if (closed) return [];
  closed = true;
  return descriptors().filter((fd) => {
    if (fd <= STANDARD_MAX || !isInherited(fd)) return false;
    closeSync(fd);
    return true;
  });
}

function descriptors(): number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number);
  } catch {
    return [];
  }
}

function isInherited(fd: number): boolean {
  try {
    const [, flags = ''] =
      /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
    return flags !== '' && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // It was the listing's own.
    return false;
  }
}
