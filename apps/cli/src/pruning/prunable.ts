import type { Extent } from '#artifacts';

export const PRUNED_KINDS = ['artifacts', 'mirrors', 'workers', 'caches', 'logs'] as const;
export type PrunedKind = (typeof PRUNED_KINDS)[number];

/** One thing that may go. Found one after the other: nobody ever holds all of them. */
export interface Prunable {
  kind: PrunedKind;
  /** For people and logs: a plan's id, a folder's or a file's path. */
  name: string;
  measure(): Promise<Extent>;
  /** False: somebody uses it after all, and it stays. */
  remove(): Promise<boolean>;
}

/** Something that stays, and why. */
export interface Kept {
  why: string;
  count: number;
}

export interface PruneReport {
  /** What went, or in a dry run what would go. */
  pruned: Record<PrunedKind, Extent & { count: number }>;
  kept: Kept[];
}

/** Removes what the sources offer, or only counts it. */
export async function prune(
  sources: AsyncIterable<Prunable>[],
  o: { dryRun: boolean; onPruned?: (item: Prunable, extent: Extent) => void },
): Promise<PruneReport['pruned']> {
  const pruned = Object.fromEntries(
    PRUNED_KINDS.map((kind) => [kind, { count: 0, files: 0, bytes: 0 }]),
  ) as PruneReport['pruned'];
  for (const source of sources) {
    for await (const item of source) {
      const extent = await item.measure();
      if (!o.dryRun && !(await item.remove())) continue;
      const sum = pruned[item.kind];
      sum.count += 1;
      sum.files += extent.files;
      sum.bytes += extent.bytes;
      o.onPruned?.(item, extent);
    }
  }
  return pruned;
}
