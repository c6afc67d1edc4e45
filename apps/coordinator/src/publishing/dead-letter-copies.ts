import { MessageTooLargeError, type DeadLetters } from '#bus';
import { type PlanEvent, type PlanState, type Reason } from '#domain';
import type { Ledger } from '#ledger';
import { count, type Logger } from '#telemetry';
import type { Clock } from '../deciding/clock.ts';
import { deadLetter, poisonedStep, type PoisonedStep } from './dead-letter.ts';
import { readPast } from './dead-letter-past.ts';
import type { JobFacts } from './job-builder.ts';

/** As many as the stream holds: of more, the oldest would go from there. */
const LETTERS_MAX = 10_000;
const PAUSE_FIRST_MS = 500;
const PAUSE_MAX_MS = 15_000;
/** How often a plan is looked at whose commit is under way. */
const SETTLE_MS = 100;

export interface DeadLetterCopiesOptions {
  ledger: Pick<Ledger, 'read'>;
  letters: Pick<DeadLetters, 'get' | 'publish'>;
  clock: Pick<Clock, 'schedule'>;
  log: Logger;
  /** The plan's state may hold what the ledger does not have: no letter may be made of it. */
  isUncommitted: (planId: string) => boolean;
  jobFacts: (plan: PlanState) => JobFacts;
  /** Default 10,000 letters. */
  lettersMax?: number;
}

interface Letter {
  step: PoisonedStep;
  /** Found in a plan that was read, not seen to happen: its copy may have been made. */
  isFound: boolean;
}

interface Waiting {
  plan: PlanState;
  /** Key: ordinal and epoch. */
  letters: Map<string, Letter>;
}

/**
 * Copies dead letters to the stream, one plan after the other, with one read of the ledger each: the pool of connections
 * is there for appends. Each copy is tried until it is made, and made again from the ledger by the next decider: twice
 * does no harm, since a letter's id says which step and epoch it is about.
 */
export class DeadLetterCopies {
  private readonly plans = new Map<string, Waiting>();
  private waiting = 0;
  private failures = 0;
  private isRunning = false;
  private isStopped = false;
  private saidFull = false;
  private endPause: () => void = () => undefined;

  constructor(private readonly o: DeadLetterCopiesOptions) {}

  /** Follows committed events of one plan. Synchronous and cheap. */
  follow(plan: PlanState, events: readonly PlanEvent[]): void {
    for (const event of events) {
      if (event.type !== 'step.poisoned') continue;
      const { ordinal, epoch, reason } = event.data;
      this.add(plan, ordinal, epoch, reason, false);
    }
    this.run();
  }

  /** A plan as the ledger has it: what was committed for it may have been copied by nobody. */
  resume(plan: PlanState): void {
    const known = this.plans.get(plan.planId);
    if (known) known.plan = plan;
    for (const step of plan.steps)
      if (step?.status === 'poisoned') this.add(plan, step.instance.ordinal, step.epoch, step.reason, true);
    this.run();
  }

  /** What still waits is for the next decider, which finds it in the ledger. */
  stop(): void {
    this.isStopped = true;
    this.endPause();
    this.plans.clear();
  }

  private add(plan: PlanState, ordinal: number, epoch: number, reason: Reason | null, isFound: boolean) {
    const entry = this.plans.get(plan.planId) ?? { plan, letters: new Map<string, Letter>() };
    const key = `${ordinal}-${epoch}`;
    if (entry.letters.has(key)) return;
    if (this.waiting >= (this.o.lettersMax ?? LETTERS_MAX)) this.letGoOldest();
    this.plans.set(plan.planId, entry);
    entry.letters.set(key, { step: poisonedStep(plan, ordinal, epoch, reason), isFound });
    this.waiting += 1;
  }

  private letGoOldest(): void {
    for (const [planId, { letters }] of this.plans) {
      this.forget(planId, letters.keys().next().value!);
      count('deadLetterCopies', { result: 'failed' });
      if (!this.saidFull)
        this.o.log.warn({ planId }, 'Too many dead letters wait; the oldest are in the ledger alone');
      this.saidFull = true;
      return;
    }
  }

  private forget(planId: string, key: string): void {
    const entry = this.plans.get(planId);
    if (!entry?.letters.delete(key)) return;
    this.waiting -= 1;
    if (entry.letters.size === 0) this.plans.delete(planId);
  }

  private run(): void {
    if (this.isRunning || this.isStopped || this.plans.size === 0) return;
    this.isRunning = true;
    void this.copyAll();
  }

  private async copyAll(): Promise<void> {
    for (;;) {
      const [planId, entry] = this.plans.entries().next().value ?? [];
      if (this.isStopped || planId === undefined || entry === undefined) break;
      try {
        await this.copyPlan(planId, entry);
        this.failures = 0;
      } catch (error) {
        if (this.isStopped) break;
        this.o.log.warn({ err: error, planId }, 'Dead letters are in the ledger but could not be copied yet');
        // One plan that cannot be read keeps no other from its turn.
        if (this.plans.delete(planId)) this.plans.set(planId, entry);
        await this.pause(Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** this.failures));
        this.failures += 1;
      }
    }
    this.isRunning = false;
  }

  private async copyPlan(planId: string, entry: Waiting): Promise<void> {
    await this.leaveOutCopied(planId, entry);
    const letters = [...entry.letters];
    await this.settled(planId);
    if (letters.length === 0 || this.isStopped) return;
    const ordinals = letters.map(([, { step }]) => step.instance.ordinal);
    const pasts = await readPast(this.o.ledger, planId, { ordinals, headSeq: entry.plan.seq });
    for (const [key, { step }] of letters) {
      await this.settled(planId);
      if (this.isStopped) return;
      const { ordinal } = step.instance;
      const facts = this.o.jobFacts(entry.plan);
      const letter = deadLetter(entry.plan, step, pasts.get(ordinal)!, facts);
      await this.publish(planId, ordinal, letter);
      this.forget(planId, key);
    }
  }

  /** A take-over finds old letters, too: only those are read up that the stream does not have. */
  private async leaveOutCopied(planId: string, { letters }: Waiting): Promise<void> {
    for (const [key, letter] of [...letters]) {
      if (!letter.isFound) continue;
      if (this.isStopped) return;
      const copy = await this.o.letters.get(planId, letter.step.instance.ordinal);
      letter.isFound = false;
      if ((copy?.payload as { epoch?: number } | undefined)?.epoch === letter.step.epoch)
        this.forget(planId, key);
    }
  }

  private async publish(planId: string, ordinal: number, letter: ReturnType<typeof deadLetter>) {
    try {
      await this.o.letters.publish(planId, ordinal, letter, `${planId}-${ordinal}-${letter.epoch}`);
    } catch (error) {
      if (!(error instanceof MessageTooLargeError)) throw error;
      // It will never fit: the server takes less than NATS does by default.
      this.o.log.warn(
        { err: error, planId, ordinal },
        'A dead letter is in the ledger but could not be copied',
      );
    }
  }

  private async settled(planId: string): Promise<void> {
    while (!this.isStopped && this.o.isUncommitted(planId)) await this.pause(SETTLE_MS);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.o.clock.schedule(ms, resolve);
      this.endPause = () => {
        callOff();
        resolve();
      };
    });
  }
}
