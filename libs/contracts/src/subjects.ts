import { formatOrdinal } from '#domain';

/** Version of the job and request formats. A worker leaves a version that it does not know. */
export const WIRE_VERSION = 'v1';

/**
 * Every subject and name on NATS starts with the fleet's namespace, so that fleets (and tests) can share a server.
 * Namespaces and pools are `[a-z0-9-]`; plan ids are `[a-z0-9]`: none can hold `.`, `*` or `>`.
 */
export class Subjects {
  constructor(readonly namespace: string) {}

  /** At most one live message per subject: what is one subject is one lease. */
  job(job: { pool: string; planId: string; ordinal: number; epoch: number }): string {
    return `${this.namespace}.jobs.${WIRE_VERSION}.${job.pool}.${job.planId}.${formatOrdinal(job.ordinal)}.${job.epoch}`;
  }

  jobsOfPool(pool: string): string {
    return `${this.namespace}.jobs.${WIRE_VERSION}.${pool}.>`;
  }

  allJobs(): string {
    return `${this.namespace}.jobs.>`;
  }

  /** Requests to the decider of one term. A deposed decider no longer listens to what workers send to the next. */
  decider(term: number, verb: DeciderVerb): string {
    return `${this.namespace}.decider.${term}.${verb}`;
  }

  /** Where the decider of one term listens. */
  deciderOfTerm(term: number): string {
    return `${this.namespace}.decider.${term}.*`;
  }

  /** Every job of one plan, whatever its pool. */
  jobsOfPlan(planId: string): string {
    return `${this.namespace}.jobs.*.*.${planId}.>`;
  }

  /** Announcements of the decider to every worker and standby. */
  announcements(): string {
    return `${this.namespace}.control.announce`;
  }

  /** Asks the decider to announce itself now. */
  whoDecides(): string {
    return `${this.namespace}.control.who`;
  }

  /** Signals to one worker. */
  worker(worker: string): string {
    return `${this.namespace}.control.worker.${worker}`;
  }

  deadLetters(planId: string, ordinal: number): string {
    return `${this.namespace}.dead.${planId}.${formatOrdinal(ordinal)}`;
  }

  allDeadLetters(): string {
    return `${this.namespace}.dead.>`;
  }
}

/** `command` carries what a standby forwards: submissions and operator's verbs. */
export type DeciderVerb = 'claim' | 'attempt' | 'result' | 'release' | 'heartbeat' | 'command';
