import { readFile, readdir } from 'node:fs/promises';

export interface Running {
  pid: number;
  parent: number;
  /** Its arguments, or what it calls itself. */
  command: string;
}

/** Processes that run (a zombie does not), with what `keep` finds in their command line or environment. */
async function processes(keep: (found: Running, environ: string) => boolean): Promise<Running[]> {
  const running: Running[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const [cmdline, environ, stat] = await Promise.all(
      ['cmdline', 'environ', 'stat'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    const [state, parent] = stat!.slice(stat!.lastIndexOf(')') + 2).split(' ');
    if (state === undefined || state === '' || 'ZX'.includes(state)) continue;
    const found = { pid, parent: Number(parent), command: cmdline!.replaceAll('\0', ' ').trim() };
    if (keep(found, environ!)) running.push(found);
  }
  return running;
}

export function childrenOf(pid: number): Promise<Running[]> {
  return processes(({ parent }) => parent === pid);
}

/** Those that name the folder in their command line or environment. */
export function processesNaming(folder: string): Promise<Running[]> {
  return processes(({ command }, environ) => command.includes(folder) || environ.includes(folder));
}
