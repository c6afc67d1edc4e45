import {
  FLEET_STREAM,
  changeLimits,
  evolveLimits,
  fromIso,
  initialLimits,
  toIso,
  type ChangedLimit,
  type Fleet,
  type LimitsInput,
  type LimitsReply,
  type StandingLimits,
} from '#domain';
import { LedgerUnavailableError, TermLostError, fleetEventOf, type Ledger, type StoredEvent } from '#ledger';
import type { Logger } from '#telemetry';
import { DeciderBusyError, LedgerDownError, NotDeciderError } from './errors.ts';

export interface FleetLimitsOptions {
  term: number;
  ledger: Ledger;
  fleet: Fleet;
  log: Logger;
  /** Whether there is such a plan, and it is not closed. */
  isOpen: (planId: string) => boolean;
  /** After each change that was committed. */
  onChanged: () => void;
}

interface Waiting {
  input: LimitsInput;
  traceparent: string | null;
  tries: number;
  resolve: (reply: LimitsReply) => void;
  reject: (error: Error) => void;
}

const PAGE = 1_000;
const WAITING_MAX = 100;
const TRIES_MAX = 20;

/**
 * The limits that were changed at run time: what the fleet's own stream says, and nothing else. A change is committed
 * before anything is admitted by it, so that a cap holds exactly, over take-overs and commits of unknown outcome too.
 */
export class FleetLimits {
  private state: StandingLimits = initialLimits();
  private queue: Waiting[] = [];
  private mustRead = true;
  private stopped = false;

  constructor(private readonly o: FleetLimitsOptions) {}

  /** Something is to be done before the next admission. */
  get isPending(): boolean {
    return this.mustRead || this.queue.length > 0;
  }

  get seq(): number {
    return this.state.seq;
  }

  changed(key: string): ChangedLimit | null {
    return this.state.changed.get(key) ?? null;
  }

  /** The promise settles after the commit. */
  submit(input: LimitsInput, traceparent: string | null): Promise<LimitsReply> {
    if (this.stopped) return Promise.reject(new NotDeciderError());
    if (this.queue.length >= WAITING_MAX) return Promise.reject(new DeciderBusyError(this.queue.length));
    return new Promise((resolve, reject) => {
      this.queue.push({ input, traceparent, tries: 0, resolve, reject });
    });
  }

  stop(): void {
    this.stopped = true;
    for (const waiting of this.queue.splice(0)) waiting.reject(new NotDeciderError());
  }

  /**
   * Carries out all changes that wait. To be called before admitting, while nothing else appends for this term.
   * `now`: wall clock (ms). Throws what the ledger throws; then nothing may be admitted before it was called again.
   */
  async settle(now: number): Promise<void> {
    if (this.mustRead) await this.read().catch((error: unknown) => this.failed(error, null));
    for (let waiting = this.queue[0]; waiting; waiting = this.queue[0]) {
      const one = waiting;
      const reply = await this.carryOut(one, now).catch((error: unknown) => this.failed(error, one));
      if (reply === null) continue;
      this.queue.shift();
      one.resolve(reply);
    }
  }

  /** null: the stream is not where it was thought to be. */
  private async carryOut({ input, traceparent }: Waiting, now: number): Promise<LimitsReply | null> {
    const { event, reply } = changeLimits(this.state, input, this.o.isOpen);
    if (!event) return reply;
    const { seq, hash } = this.state;
    const append = { planId: FLEET_STREAM, expected: { seq, hash }, at: toIso(now), traceparent };
    const [result] = await this.o.ledger.appendAll(this.o.term, [{ ...append, events: [event] }]);
    if (result?.status !== 'appended') {
      this.o.log.warn({ expected: seq, actual: result?.actual.seq }, 'The fleet’s stream was elsewhere');
      await this.read();
      return null;
    }
    evolveLimits(this.state, event, now);
    this.state.hash = result.head.hash;
    this.apply();
    this.o.log.info({ limits: event.data.limits, by: input.by.name }, 'Limits were changed');
    this.o.onChanged();
    return reply;
  }

  private async read(): Promise<void> {
    this.mustRead = true;
    const state = initialLimits();
    let page: StoredEvent[];
    do {
      page = await this.o.ledger.read(FLEET_STREAM, state.seq, PAGE);
      for (const stored of page) {
        const event = fleetEventOf(stored);
        if (event) evolveLimits(state, event, fromIso(stored.at));
        state.hash = stored.hash;
      }
    } while (page.length === PAGE);
    this.state = state;
    this.mustRead = false;
    this.apply();
  }

  private apply(): void {
    this.o.fleet.changeLimits([...this.state.changed].map(([key, { value }]) => [key, value]));
  }

  /** Whether anything was written is not known. `asked`: the change that was being carried out. */
  private failed(error: unknown, asked: Waiting | null): never {
    this.mustRead = true;
    // A defect that shows with this change need not be that of the others.
    if (asked && !(error instanceof LedgerUnavailableError)) this.giveUp(asked, error);
    // Each of them waits for the ledger as long as the first: nobody waits twenty tries for each one before him.
    for (const waiting of [...this.queue]) {
      waiting.tries += 1;
      if (waiting.tries >= TRIES_MAX || error instanceof TermLostError) this.giveUp(waiting, error);
    }
    throw error;
  }

  private giveUp(waiting: Waiting, error: unknown): void {
    this.queue = this.queue.filter((other) => other !== waiting);
    if (error instanceof TermLostError) waiting.reject(new NotDeciderError(error));
    else if (error instanceof LedgerUnavailableError || waiting.tries >= TRIES_MAX)
      waiting.reject(new LedgerDownError(error));
    else
      waiting.reject(
        error instanceof Error ? error : new Error('a change of limits failed', { cause: error }),
      );
  }
}
