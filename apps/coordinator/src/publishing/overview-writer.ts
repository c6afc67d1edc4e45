import type { Settings } from '#config';
import type { PlanViews, Projector } from '#ledger';
import type { Logger } from '#telemetry';
import type { Committed } from '../deciding/decision-loop.ts';

export interface OverviewWriterOptions {
  views: PlanViews;
  projector: Projector;
  settings: Settings['telemetry'];
  log: Logger;
}

export class OverviewWriter {
  constructor(private readonly o: OverviewWriterOptions) {}

  follow(committed: Committed[]): void {
    void committed;
    void this.o;
  }

  async stop(): Promise<void> {}
}
