import { createHash } from 'node:crypto';
import { formatOrdinal } from '#domain';
import type { PageAction } from './page.ts';

/** The incidents of one plan. `fleet`: fleets that page the same people must not share their incidents. */
export class PlanIncidents {
  private readonly prefix: string;

  constructor(
    fleet: string,
    readonly planId: string,
  ) {
    this.prefix = `skein/${fleet}/${planId}`;
  }

  /** The plan has halted. */
  get halt(): string {
    return `${this.prefix}/plan`;
  }

  get pause(): string {
    return `${this.prefix}/paused`;
  }

  /** More steps ended badly than are paged one by one. */
  get more(): string {
    return `${this.prefix}/more`;
  }

  step(ordinal: number): string {
    return `${this.prefix}/${formatOrdinal(ordinal)}`;
  }

  isOfStep(incident: string): boolean {
    return incident.startsWith(`${this.prefix}/`) && /\/s\d+$/.test(incident);
  }

  /** `kind`: of an alert or of news. */
  other(kind: string): string {
    return `${this.prefix}/${kind}`;
  }
}

/** Of plan, event, sink and incident: whoever makes the page again makes the same one. */
export function pageId(o: {
  sink: string;
  /** Whose event it is. */
  planId: string;
  /** Of the event; of an alert, how often it was there before. */
  seq: number;
  incident: string;
  action: PageAction;
}): string {
  const parts = [o.sink, o.planId, o.seq, o.incident, o.action];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}
