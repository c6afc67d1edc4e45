import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#telemetry';
import { type ProcessRow, type ProcessRows, type ProcessTable, startOf } from './process-table.ts';

export interface ProcessTreeOptions {
  table: ProcessTable;
  log: Logger;
  /** The process that we started: it leads a session and a group of its own. */
  launcher: number;
  /** The launcher is ours (bwrap, unshare), not the program; so is its child, the first process of the namespace. */
  namespace: boolean;
  /** `NAME=value` in the environment of the launcher and, but for bubblewrap, of all that the program starts. */
  marker: string;
}

/** Where there is no /proc to ask. */
const UNKNOWN_START = '';
const MS_BETWEEN_KILLS_MAX = 100;

/**
 * The processes of one run. Members are found by parent, by session and group of members, and, once orphaned,
 * by a marker in their environment; a member once seen stays one until it is gone.
 */
export class ProcessTree {
  private readonly members = new Map<number, string>();
  /** Processes that were asked for their environment and are not ours. */
  private readonly strangers = new Map<number, string>();
  /** First process of the namespace. When it is gone, the kernel has ended all others. */
  private init: number | null = null;
  /** In ticks since boot; nothing of ours is older. */
  private readonly startedAt: number;

  /** To be made in the same turn as the launcher: until we return to the event loop its id cannot mean another. */
  constructor(private readonly options: ProcessTreeOptions) {
    const start = startOf(options.launcher);
    this.startedAt = Number(start ?? 0);
    this.members.set(options.launcher, start ?? UNKNOWN_START);
  }

  /** bubblewrap tells the id of the namespace's first process. */
  adoptInit(pid: number): void {
    const start = startOf(pid);
    if (start === null) return;
    this.init = pid;
    this.members.set(pid, start);
  }

  /** What the program and its descendants are now, without our own launchers. */
  async programs(maxAgeMs: number): Promise<ProcessRow[]> {
    const rows = await this.look(maxAgeMs);
    return rows.filter((row) => !this.isLauncher(row.pid));
  }

  async signalPrograms(signal: NodeJS.Signals): Promise<void> {
    for (const row of await this.programs(0)) kill(row.pid, signal);
  }

  /**
   * SIGKILL until nothing is left, asking every process anew whether it carries the marker. Has no deadline on
   * purpose: to answer while a process lives would break the one promise that leases rest on. Only a process in
   * uninterruptible sleep can take long, and that is logged.
   */
  async extinguish(): Promise<void> {
    const since = performance.now();
    let warnAfterMs = 10_000;
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, MS_BETWEEN_KILLS_MAX)) {
      const rows = await this.lookWithoutFail();
      if (rows !== null && rows.length === 0) return;
      this.killAll(rows ?? []);
      await sleep(pauseMs);
      if (performance.now() - since > warnAfterMs) {
        this.options.log.warn(
          { pids: rows?.slice(0, 20).map((row) => row.pid) },
          'processes of a step do not die',
        );
        warnAfterMs *= 2;
      }
    }
  }

  /** Null when the processes could not be read (out of descriptors, for one): then nothing is known to be dead. */
  private async lookWithoutFail(): Promise<ProcessRow[] | null> {
    try {
      return await this.look(0, true);
    } catch (error) {
      this.options.log.warn({ err: error }, 'processes could not be read');
      return null;
    }
  }

  private killAll(rows: ProcessRow[]): void {
    const { launcher, namespace } = this.options;
    // The first process of a namespace takes all others along, at once: no fork can outrun it.
    if (this.init !== null) kill(this.init, 'SIGKILL');
    if (namespace && this.init !== null && rows.some((row) => row.pid === this.init)) return;
    // A whole group at once, for the same reason; then whoever left the group.
    const groups = new Set(rows.filter((row) => this.members.has(row.group)).map((row) => row.group));
    for (const group of groups) kill(-group, 'SIGKILL');
    for (const row of rows) kill(row.pid, 'SIGKILL');
    if (namespace) kill(launcher, 'SIGKILL');
  }

  private isLauncher(pid: number): boolean {
    return this.options.namespace && (pid === this.options.launcher || pid === this.init);
  }

  private async look(maxAgeMs: number, hunt = false): Promise<ProcessRow[]> {
    const table = await this.options.table.read(maxAgeMs);
    const tree = this.knownMembers(table);
    this.addRelatives(table, tree);
    if (hunt) this.strangers.clear();
    if (this.addMarked(table, tree)) this.addRelatives(table, tree);
    this.members.clear();
    for (const row of tree.values()) this.members.set(row.pid, row.start);
    return [...tree.values()];
  }

  private knownMembers(table: ProcessRows): Map<number, ProcessRow> {
    const tree = new Map<number, ProcessRow>();
    for (const [pid, start] of this.members) {
      const row = table.get(pid);
      if (row !== undefined && (row.start === start || start === UNKNOWN_START)) tree.set(pid, row);
    }
    return tree;
  }

  /** Children of members, and members of their sessions and groups, until there are no more. */
  private addRelatives(table: ProcessRows, tree: Map<number, ProcessRow>): void {
    for (let before = -1; before !== tree.size;) {
      before = tree.size;
      for (const row of table.values()) {
        if (tree.has(row.pid) || !(tree.has(row.parent) || this.sharesSession(row, tree))) continue;
        tree.set(row.pid, row);
        if (this.options.namespace && row.parent === this.options.launcher) this.init ??= row.pid;
      }
    }
  }

  /** A session or group keeps its number while anybody is in it, so a member's number cannot mean strangers. */
  private sharesSession(row: ProcessRow, tree: Map<number, ProcessRow>): boolean {
    const leads = (id: number) => id > 1 && (this.members.has(id) || tree.has(id));
    return leads(row.session) || leads(row.group);
  }

  private addMarked(table: ProcessRows, tree: Map<number, ProcessRow>): boolean {
    const before = tree.size;
    for (const row of table.values()) {
      if (tree.has(row.pid) || this.strangers.get(row.pid) === row.start) continue;
      if (Number(row.start) < this.startedAt) continue;
      if (hasMarker(row.pid, this.options.marker)) tree.set(row.pid, row);
      else this.strangers.set(row.pid, row.start);
    }
    return tree.size > before;
  }
}

function hasMarker(pid: number, marker: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(marker);
  } catch {
    return false; // gone, or another user's
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone.
  }
}
