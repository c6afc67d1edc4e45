import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import { parseOrdinal, toIso, type Reason } from '#domain';
import { currentTraceparent, inSpan, names } from '#telemetry';
import { PlanCommands } from '../commands/plan-commands.ts';
import { actorOf, parentOf } from './caller.ts';
import { unavailable } from './decided.ts';
import type { DeadLetterListAnswer, RedriveAnswer } from './describing/operator-answers.ts';
import type { RedriveBody } from './operator-bodies.ts';
import { PlanReader } from './plan-reader.ts';
import { Problem } from './problem.ts';

type Sent = Record<'traceparent' | 'x-skein-actor', string | undefined>;
type Letter = DeadLetterListAnswer['deadLetters'][number];
type Tried = { status: 'redriven' } | { status: 'passedOver' | 'refused' | 'stopped'; reason: Reason };

/** Somebody else was quicker: what was wanted is done already. */
const NOT_POISONED: ReadonlySet<string> = new Set(['step-open', 'step-not-failed', 'step-not-poisoned']);
/** A rate may be slow; what is put off for longer than this is nobody's plan any more. */
const AHEAD_MAX_MS = 7 * 24 * 60 * 60_000;
const FULL: Reason = {
  code: 'redrive-full',
  message: 'those before them wait for a week: ask again later, or at a higher rate',
};

/**
 * Many dead letters at once. Nothing is remembered of it but what the ledger has of each step: whoever dies, those that
 * were redriven keep their times, and the others are dead letters still.
 */
@Controller('v1/dead-letters')
export class DeadLettersController {
  /** One at a time: two would take the same times. */
  private busy = false;

  constructor(
    private readonly commands: PlanCommands,
    private readonly reader: PlanReader,
  ) {}

  @Post('redrive')
  @HttpCode(200)
  async redrive(@Body() body: RedriveBody, @Headers() sent: Sent): Promise<RedriveAnswer> {
    if (this.busy) {
      const detail = 'another request redrives dead letters: ask again when it is done';
      throw new Problem(429, 'redrive-busy', detail, { retryAfterS: 2 });
    }
    this.busy = true;
    try {
      return await this.redriveAll(body, sent);
    } finally {
      this.busy = false;
    }
  }

  private async redriveAll(body: RedriveBody, sent: Sent): Promise<RedriveAnswer> {
    const { filter = {}, limit, cursor } = body;
    const page = await this.reader.deadLetters({ ...filter, limit, cursor });
    const answer: RedriveAnswer = {
      redriven: [],
      passedOver: [],
      refused: [],
      more: page.nextCursor !== null,
      nextCursor: page.nextCursor,
      stopped: null,
    };
    const times = await this.times(body);
    for (const letter of page.deadLetters) {
      const atMs = times.next;
      const tried: Tried =
        atMs !== null && atMs > Date.now() + AHEAD_MAX_MS
          ? { status: 'stopped', reason: FULL }
          : await this.redriveOne(letter, atMs, body.why ?? null, sent);
      const { planId, ordinal, name } = letter;
      if (tried.status === 'stopped') {
        const stopped = { ...answer, more: true, nextCursor: cursor ?? null, stopped: tried.reason };
        if (answer.redriven.length > 0 || tried.reason === FULL) return stopped;
        throw unavailable({ status: 'unavailable', code: tried.reason.code, reason: tried.reason.message });
      }
      if (tried.status === 'redriven') {
        const notBefore = atMs !== null && atMs > Date.now() ? toIso(atMs) : null;
        answer.redriven.push({ planId, ordinal, name, notBefore });
        times.take();
      } else answer[tried.status].push({ planId, ordinal, name, reason: tried.reason });
    }
    return answer;
  }

  /** When each has its turn: after those that wait already, so that a request that is repeated keeps to the rate, too. */
  private async times({ filter = {}, ratePerMinute }: RedriveBody): Promise<Times> {
    if (ratePerMinute === undefined) return { next: null, take: () => undefined };
    const everyMs = 60_000 / ratePerMinute;
    const nowMs = Date.now();
    const last = await this.reader.lastRedriveAt(filter, nowMs);
    // Also the first waits: nothing tells when the one before it was begun, once that is done.
    let at = (last ?? nowMs) + everyMs;
    return {
      get next() {
        return Math.ceil(at);
      },
      take: () => void (at += everyMs),
    };
  }

  private async redriveOne(
    { planId, ordinal }: Letter,
    atMs: number | null,
    why: string | null,
    sent: Sent,
  ): Promise<Tried> {
    const input = {
      kind: 'retry' as const,
      ordinal: parseOrdinal(ordinal)!,
      ...{ attempts: null, note: null, onlyPoisoned: true },
      ...{ by: actorOf(sent['x-skein-actor']), why },
      ...(atMs !== null && { notBefore: toIso(atMs) }),
    };
    const reply = await inSpan(
      names.spans.planOperate,
      { [names.attributes.planId]: planId },
      () => this.commands.execute({ kind: 'operate', planId, input }, currentTraceparent()),
      { parent: parentOf(sent.traceparent), kind: 'server' },
    );
    if (reply.status === 'unavailable')
      return { status: 'stopped', reason: { code: reply.code, message: reply.reason } };
    if (reply.status !== 'decided' || reply.reply.status === 'lost')
      throw new Error(`unexpected answer ${reply.status} to a redrive of ${planId} ${ordinal}`);
    if (reply.reply.status === 'applied') return { status: 'redriven' };
    const { code, reason: message } = reply.reply;
    return { status: NOT_POISONED.has(code) ? 'passedOver' : 'refused', reason: { code, message } };
  }
}

interface Times {
  /** Of the next one (ms); null: at once. */
  readonly next: number | null;
  /** It was used. */
  take: () => void;
}
