import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionError, ProblemError } from '#client';
import { UsageError } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import type { PlanSource } from './plan-source.ts';
import type { LogWatcher } from './plan-watcher.ts';
import type { WatchedPlan } from './watched-plan.ts';
import { groupName, hasEndedStep, type WatchedStep } from './watched-step.ts';

/** A log that grows is asked for this often: people wait for its lines. */
const GROWING_MS = 500;
/** Nothing grows: somebody wakes it when that changes. */
const IDLE_MS = 60_000;
/** After the plan's end, for what is still to be read. */
const FINISH_MS_MAX = 15_000;
/** A line without an end must not be kept for ever. */
const LINE_CHARS_MAX = 64 * 1024;

/** Reads the log of one step while it grows, attempt after attempt, across its leases. */
export class LogFollower {
  private open: OpenLog | null = null;
  /** The attempt to read next. 0: the newest. */
  private next = 0;
  private isLast = false;
  private wakeUp: () => void = () => undefined;
  private ended: Promise<void> = Promise.resolve();

  constructor(
    private readonly source: Pick<PlanSource, 'attemptLog'>,
    private readonly plan: WatchedPlan,
    private readonly which: string,
    private readonly watcher: LogWatcher,
  ) {}

  /** Throws UsageError for a step that the plan does not have and will never have. */
  check(): void {
    if (this.plan.step(this.which)) return;
    const name = escapeText(this.which);
    const group = this.plan.steps().filter((step) => step.group === this.which);
    if (group.length > 0) {
      const some = group.slice(0, 3).map((step) => `${step.ordinal} ${escapeText(step.name)}`);
      const more = group.length > 3 ? ' ...' : '';
      throw new UsageError(`${name} is a matrix; name one of its steps: ${some.join(', ')}${more}`);
    }
    // What a matrix will make is not known before its turn.
    const isDefined = this.plan.groups().includes(groupName(this.which));
    if (!isDefined || this.plan.endedMs !== null) throw new UsageError(`the plan has no step ${name}`);
  }

  /** Something happened in the plan. */
  wake(): void {
    this.wakeUp();
  }

  /** Until the signal is given, or nothing more can come. Never rejects: a plan is watched on without its log. */
  run(signal: AbortSignal): Promise<void> {
    this.ended = this.readAll(signal).catch((error: unknown) => {
      this.watcher.note(error instanceof Error ? error.message : String(error));
    });
    return this.ended;
  }

  /** The plan has ended: reads what there is, for no longer than a moment. */
  async finish(): Promise<void> {
    this.isLast = true;
    this.wake();
    await Promise.race([this.ended, delay(FINISH_MS_MAX, undefined, { ref: false })]);
  }

  private async readAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const step = this.plan.step(this.which);
      if (step) this.choose(step);
      if (!step || !this.open) {
        if (this.isLast || (step && hasEndedStep(step))) return this.close(step);
        await this.pause(IDLE_MS, signal);
        continue;
      }
      // Judged before it is read: what is recorded before that is read to its end.
      const isComplete = this.open.attempt <= recordedAttempts(step);
      const found = await this.readSome(step, this.open);
      if (found === 'more') continue;
      if (found === 'away') await this.pause(2 * GROWING_MS, signal);
      else if (isComplete) this.endAttempt(step, this.open);
      else if (this.open.attempt <= recordedAttempts(step)) continue;
      // Its lease was lost, or its plan ended: this attempt will never be recorded.
      else if (this.isLast || hasEndedStep(step)) return this.close(step);
      else await this.pause(step.state === 'running' ? GROWING_MS : IDLE_MS, signal);
    }
  }

  /** Opens the attempt whose turn it is, or the same one anew: another lease writes another log. */
  private choose(step: WatchedStep): void {
    const recorded = recordedAttempts(step);
    const latest = step.state === 'running' ? recorded + 1 : recorded;
    const { open } = this;
    if (open) {
      const isAnother = open.attempt > recorded && step.state === 'running' && open.epoch !== step.epoch;
      if (isAnother) this.begin(step, open.attempt);
      return;
    }
    const attempt = this.next === 0 ? latest : this.next;
    if (attempt > 0 && attempt <= latest) this.begin(step, attempt);
  }

  private begin(step: WatchedStep, attempt: number): void {
    const again = this.open !== null;
    if (this.open) this.flush(step, this.open);
    this.open = { attempt, epoch: step.epoch, bytes: 0, decoder: new TextDecoder(), rest: '' };
    this.watcher.attempt(step, attempt, again);
  }

  private endAttempt(step: WatchedStep, open: OpenLog): void {
    this.flush(step, open);
    this.open = null;
    this.next = open.attempt + 1;
  }

  private close(step: WatchedStep | null): void {
    if (step && this.open) this.flush(step, this.open);
    else if (this.next === 0) this.watcher.note(`${this.which} has no log`);
  }

  private async readSome(step: WatchedStep, open: OpenLog): Promise<'more' | 'nothing' | 'away'> {
    try {
      const bytes = await this.source.attemptLog(this.plan.planId, step.ordinal, open.attempt, open.bytes);
      open.bytes += bytes.length;
      this.tell(step, open, open.decoder.decode(bytes, { stream: true }));
      return bytes.length > 0 ? 'more' : 'nothing';
    } catch (error) {
      if (error instanceof ConnectionError) return 'away';
      if (!(error instanceof ProblemError)) throw error;
      // While it runs, its worker may not have begun to write; later, it is lost or there never was one.
      if (open.attempt <= recordedAttempts(step) && open.bytes === 0) this.watcher.note(error.message);
      return 'nothing';
    }
  }

  private tell(step: WatchedStep, open: OpenLog, text: string): void {
    const lines = (open.rest + text).split('\n');
    open.rest = lines.pop() ?? '';
    for (; open.rest.length > LINE_CHARS_MAX; open.rest = open.rest.slice(LINE_CHARS_MAX)) {
      lines.push(open.rest.slice(0, LINE_CHARS_MAX));
    }
    if (lines.length > 0) this.watcher.lines(step, open.attempt, lines.map(withoutReturn));
  }

  private flush(step: WatchedStep, open: OpenLog): void {
    if (open.rest !== '') this.watcher.lines(step, open.attempt, [withoutReturn(open.rest)]);
    open.rest = '';
  }

  private async pause(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.wakeUp = () => woken.abort();
    await delay(ms, undefined, { signal: AbortSignal.any([woken.signal, signal]) }).catch(() => undefined);
    this.wakeUp = () => undefined;
  }
}

/** The log that is being read. */
interface OpenLog {
  attempt: number;
  epoch: number;
  /** Read so far. */
  bytes: number;
  decoder: InstanceType<typeof TextDecoder>;
  /** The beginning of a line whose end is still to come. */
  rest: string;
}

/** The integration and the baseline have a log each, but no attempts in the ledger. */
function recordedAttempts(step: WatchedStep): number {
  const logged = step.kind === 'integrate' || step.kind === 'baseline';
  return logged && hasEndedStep(step) && step.epoch > 0 ? 1 : step.attempts;
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
