import type { Bus } from '#bus';
import { EVENT_VERSION } from '#domain';
import type { Terms } from '#ledger';
import type { Elector } from '../deciding/elector.ts';

export class Readiness {
  constructor(
    private readonly terms: Terms,
    private readonly bus: Bus,
    private readonly elector: Elector,
  ) {}

  /** What keeps plans from being taken, in words; empty when nothing does. */
  async missing(): Promise<string[]> {
    const missing: string[] = [];
    if (!this.bus.connected) missing.push('NATS does not answer');
    if (this.elector.current) return missing;
    try {
      const term = await this.terms.current();
      if (term.eventVersion > EVENT_VERSION) missing.push(tooOld(term.eventVersion));
      else if (!term.fresh) missing.push('nobody decides yet');
    } catch {
      missing.push('Postgres does not answer');
    }
    return missing;
  }
}

/** It may neither decide nor read what the newer one writes. */
function tooOld(version: number): string {
  return `a newer coordinator has decided (it writes events of version ${version}, this one knows ${EVENT_VERSION}): upgrade this one`;
}
