import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';

/** One process as the system shows it. `start` tells a process from a later one with the same id. */
export interface ProcessRow {
  pid: number;
  parent: number;
  group: number;
  session: number;
  start: string;
  rssBytes: number;
}

export type ProcessRows = ReadonlyMap<number, ProcessRow>;

/**
 * All living processes (zombies are dead: they only wait to be noticed). One table serves all runs of a worker,
 * so that 16 slots do not read /proc 16 times: 300 processes take about 5 ms.
 */
export class ProcessTable {
  private rows: ProcessRows = new Map();
  private readAt = -Infinity;

  async read(maxAgeMs = 0): Promise<ProcessRows> {
    if (performance.now() - this.readAt <= maxAgeMs) return this.rows;
    this.rows = hasProc() ? readProc() : await readPs();
    this.readAt = performance.now();
    return this.rows;
  }
}

/** Start time of a process in the system's ticks, or null when it is not there. */
export function startOf(pid: number): string | null {
  if (!hasProc()) return null;
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.start ?? null;
  } catch {
    return null;
  }
}

let proc: boolean | null = null;
function hasProc(): boolean {
  proc ??= isReadable('/proc/self/stat');
  return proc;
}

function isReadable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Synchronous: a few system calls per process, and a tree that forks while we read is caught by the next look. */
function readProc(): ProcessRows {
  const rows = new Map<number, ProcessRow>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${name}/stat`, 'latin1');
    } catch {
      continue; // ended between the listing and the reading
    }
    const row = parseStat(stat);
    if (row !== null) rows.set(row.pid, row);
  }
  return rows;
}

/** proc(5): `pid (comm) state ppid pgrp session ...`; comm may hold spaces and brackets. Null for a dead process. */
export function parseStat(stat: string): ProcessRow | null {
  const commEnd = stat.lastIndexOf(')');
  const fields = stat.slice(commEnd + 2).split(' ');
  const state = fields[0] ?? 'X';
  if (state === 'Z' || state === 'X') return null;
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    start: fields[19] ?? '',
    rssBytes: Number(fields[21] ?? 0) * pageBytes(),
  };
}

let page: number | null = null;
/** From the auxiliary vector (AT_PAGESZ = 6): 4 KB mostly, 16 or 64 KB on some arm64 systems. */
function pageBytes(): number {
  if (page !== null) return page;
  page = 4_096;
  try {
    const auxv = readFileSync('/proc/self/auxv');
    for (let at = 0; at + 16 <= auxv.length; at += 16) {
      if (auxv.readBigUInt64LE(at) === 6n) page = Number(auxv.readBigUInt64LE(at + 8));
    }
  } catch {
    // Systems that hide it have the usual size.
  }
  return page;
}

/** Systems without /proc (macOS). */
async function readPs(): Promise<ProcessRows> {
  const { stdout } = await promisify(execFile)(
    '/bin/ps',
    ['-A', '-o', 'pid=,ppid=,pgid=,state=,rss=,lstart='],
    {
      maxBuffer: 16 * 1024 * 1024,
      env: { LANG: 'C' },
    },
  );
  return parsePs(stdout);
}

export function parsePs(stdout: string): ProcessRows {
  const rows = new Map<number, ProcessRow>();
  for (const line of stdout.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(.*\S)\s*$/.exec(line);
    if (match === null || match[4]?.startsWith('Z')) continue;
    const [pid, parent, group] = [Number(match[1]), Number(match[2]), Number(match[3])];
    rows.set(pid, {
      pid,
      parent,
      group,
      session: 0,
      start: match[6] ?? '',
      rssBytes: Number(match[5]) * 1_024,
    });
  }
  return rows;
}
