import { readFile, readdir } from 'node:fs/promises';

const CLOCK_TICKS_PER_S = 100;

/** By part of the stack: CPU seconds so far, and the largest memory of one of its processes. */
export type Usage = Record<string, { cpuS: number; peakRssMb: number }>;

/** What the processes used that name the folder in their command line or environment, and their children. */
export async function usageBelow(folder: string): Promise<Usage> {
  const usage: Usage = {};
  for (const found of await processesOf(folder)) {
    const used = (usage[partOf(found.command)] ??= { cpuS: 0, peakRssMb: 0 });
    const fields = afterName(found.stat);
    // Its own, and that of the children that it has waited for.
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    used.cpuS += ticks / CLOCK_TICKS_PER_S;
    const peakKb = Number(/VmHWM:\s+(\d+)/.exec(found.status)?.[1] ?? 0);
    used.peakRssMb = Math.max(used.peakRssMb, Math.round(peakKb / 1_024));
  }
  return usage;
}

/** What was used since `before`. */
export function usedSince(before: Usage, after: Usage): { cpuSeconds: Figures; peakRssMb: Figures } {
  const entries = Object.entries(after);
  return {
    cpuSeconds: Object.fromEntries(
      entries.map(([part, used]) => [part, round(used.cpuS - (before[part]?.cpuS ?? 0))]),
    ),
    peakRssMb: Object.fromEntries(entries.map(([part, used]) => [part, used.peakRssMb])),
  };
}

export type Figures = Record<string, number>;

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function partOf(command: string): string {
  if (command.includes('apps/coordinator/')) return 'coordinator';
  if (command.includes('apps/worker/')) return 'worker';
  if (command.includes('simulated-workers')) return 'simulated workers';
  if (command.includes('nats-server')) return 'nats-server';
  if (command.includes('postgres')) return 'postgres';
  return 'launcher';
}

interface Found {
  pid: number;
  command: string;
  stat: string;
  status: string;
}

/** Postgres rewrites its own command line: its processes are found as children. */
async function processesOf(folder: string): Promise<Found[]> {
  const all = new Map<number, Found & { parent: number; named: boolean }>();
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const [command = '', stat = '', status = '', environ = ''] = await Promise.all(
      ['cmdline', 'stat', 'status', 'environ'].map((file) =>
        readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''),
      ),
    );
    const named = pid !== process.pid && (command.includes(folder) || environ.includes(folder));
    all.set(pid, { pid, command, stat, status, parent: Number(afterName(stat)[1]), named });
  }
  return [...all.values()].filter((one) => one.named || all.get(one.parent)?.named === true);
}

/** A process may have any name, with spaces and brackets. */
function afterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
