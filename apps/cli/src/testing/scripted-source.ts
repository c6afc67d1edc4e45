import type { LedgerPage, PlanView, StepView } from '#client';
import type { FollowOptions, PlanSource } from '../watching/plan-source.ts';
import type { PicturedStep, ToldEvent } from '../watching/watched-plan.ts';
import { aSummary } from './watched.ts';

/** A server that says what a test has it say. */
export class ScriptedSource implements PlanSource {
  summary: PlanView = aSummary();
  listed: PicturedStep[] = [];
  /** The first event's body. */
  submitted: string | null = null;
  /** How often the steps were asked for. */
  stepsAsked = 0;
  /** By `s1/1`: step and attempt. */
  readonly logs = new Map<string, Buffer | Error>();
  options: FollowOptions | null = null;
  private readonly told: ToldEvent[] = [];
  private wake: () => void = () => undefined;

  tell(...events: ToldEvent[]): void {
    this.told.push(...events);
    this.wake();
  }

  async plan(): Promise<PlanView> {
    return this.summary;
  }

  async steps(): Promise<StepView[]> {
    this.stepsAsked += 1;
    return this.listed;
  }

  async ledger(): Promise<LedgerPage> {
    const { head } = this.summary;
    if (this.submitted === null) return { head, events: [] };
    const proof = { body: this.submitted, prevHash: '', hash: '' };
    return {
      head,
      events: [{ seq: 1, at: '', type: 'plan.submitted', data: {}, traceparent: null, ...proof }],
    };
  }

  async *events(_planId: string, o: FollowOptions): AsyncGenerator<ToldEvent> {
    this.options = o;
    o.onConnected?.();
    const aborted = new Promise<never>((_, reject) => {
      o.signal?.addEventListener('abort', () => reject(o.signal!.reason as Error));
    });
    for (let next = 0; ;) {
      const event = this.told[next];
      if (event) {
        next += 1;
        if (event.seq > o.after) yield event;
      } else await Promise.race([new Promise<void>((resolve) => (this.wake = resolve)), aborted]);
    }
  }

  async attemptLog(_planId: string, step: string, attempt: number, from: number): Promise<Uint8Array> {
    const log = this.logs.get(`${step}/${attempt}`);
    if (log instanceof Error) throw log;
    return (log ?? Buffer.alloc(0)).subarray(from);
  }
}
