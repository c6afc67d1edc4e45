import { backoffMs, type BackoffLimits } from '#domain';
import { count, measure, type Logger } from '#telemetry';
import { alertIncident, makeAlerts, type PlanAlert } from './making/making-alerts.ts';
import { makePages, PAGED_TYPES } from './making/making-pages.ts';
import { messageOf, type Rendering } from './message.ts';
import type { DuePage, Outbox } from './outbox.ts';
import { ALERT_KINDS, type Page, type PageAction, type PageContent, type PageKind } from './page.ts';
import { deliver, type Delivery } from './sending/deliver.ts';
import type { Sink } from './sinks/sink.ts';

export interface LaneOptions {
  sink: Sink;
  outbox: Outbox;
  rendering: Rendering;
  log: Logger;
  /** Wall clock (ms). */
  now: () => number;
  /** 0 to 1. */
  random: () => number;
  /** Of one request. */
  timeoutMs: number;
  limits: PagingLimits;
}

export interface PagingLimits {
  /** Between tries of a page, and of its sink as a whole. */
  backoff: BackoffLimits;
  /** A page is tried for this long from its first try on, then given up. */
  tryForMs: number;
  /** Pages that wait for one sink; then it gets no new ones until some of them are gone. */
  waitingMax: number;
  /** Settled pages are forgotten after this time. */
  keepMs: number;
}

export const PAGING_LIMITS: PagingLimits = {
  backoff: { firstMs: 1_000, maxMs: 600_000 },
  tryForMs: 24 * 3_600_000,
  waitingMax: 1_000,
  keepMs: 30 * 86_400_000,
};

/** Events looked at in one go. */
const NEWS_EVENTS = 2_000;
/** Incidents that stay open are remembered three times as long. */
const OPEN_KEPT_TIMES = 3;
const PRUNE_EVERY_MS = 3_600_000;
const PRUNE_PAGES = 1_000;
/** So long is a page held for the one who sends it, beyond the time that the request may take. */
const HOLD_SLACK_MS = 2_000;

/** What a round found. */
export interface Round {
  /** Pages that are still waiting. */
  waiting: number;
  /** There is more to do at once. */
  more: boolean;
}

/** One sink's way from the ledger to its server: what is new, then one page after the other. Holds no connection while it sends. */
export class SinkLane {
  /** As of the last round; null: this replica does not know. */
  standing: { waiting: number; failingSinceMs: number | null } | null = null;
  private prunedAt = -Infinity;
  private toldAlerts: readonly PlanAlert[] | null = null;

  constructor(private readonly o: LaneOptions) {}

  get sink(): Sink {
    return this.o.sink;
  }

  /** `alerts`: null while it is not known what is the case. Throws while the ledger is away. */
  async round(alerts: readonly PlanAlert[] | null, signal: AbortSignal): Promise<Round> {
    const { outbox, sink, now } = this.o;
    await this.tellAlerts(alerts);
    const collected = await this.collect();
    if (!collected) return { waiting: 0, more: false };
    await this.prune();
    if (collected.waiting === 0) return collected;
    const nowMs = now();
    const heldUntilMs = nowMs + this.o.timeoutMs + HOLD_SLACK_MS;
    const page = await outbox.take(sink.name, { nowMs, heldUntilMs });
    if (!page) return collected;
    await this.send(page, signal);
    return { waiting: collected.waiting, more: true };
  }

  /** Another replica decides: nothing is known here any more. */
  rest(): void {
    this.standing = null;
    this.toldAlerts = null;
  }

  private async tellAlerts(alerts: readonly PlanAlert[] | null): Promise<void> {
    if (alerts === null || alerts === this.toldAlerts) return;
    const { outbox, sink, rendering, now } = this.o;
    const { fleet } = rendering;
    const nowMs = now();
    const incidents = alerts.map((alert) => alertIncident(fleet, alert));
    const planIds = alerts.map(({ planId }) => planId);
    const told = await outbox.reconcile(
      sink.name,
      { kinds: ALERT_KINDS, incidents, planIds, nowMs },
      (open) => makeAlerts(alerts, open, { sink: sink.name, on: sink.on, fleet, nowMs }),
    );
    if (told) this.toldAlerts = alerts;
  }

  private async collect(): Promise<Round | null> {
    const { outbox, sink, rendering, limits, now, log } = this.o;
    const nowMs = now();
    const { waitingMax } = limits;
    const collected = await outbox.collect(
      sink.name,
      { types: PAGED_TYPES, events: NEWS_EVENTS, waitingMax, nowMs },
      (batch) =>
        makePages(batch, { sink: sink.name, on: sink.on, fleet: rendering.fleet, nowMs, waitingMax }),
    );
    if (!collected) return null;
    if (collected.unreadable > 0) {
      const { unreadable } = collected;
      log.error({ sink: sink.name, unreadable, alert: 'plan-unreadable' }, 'Events were passed over');
    }
    const { waiting, failingSinceMs, more } = collected;
    this.standing = { waiting, failingSinceMs };
    return { waiting, more };
  }

  private async send(due: DuePage, signal: AbortSignal): Promise<void> {
    const { sink, outbox, now, timeoutMs, rendering } = this.o;
    const message = messageOf(pageOf(due), rendering);
    let delivery: Delivery;
    try {
      delivery = await deliver(sink, message, { nowMs: now(), timeoutMs, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      return outbox.release(sink.name, due.id);
    }
    if (delivery.ok) await this.acknowledge(due);
    else await this.failed(due, delivery);
  }

  private async acknowledge(due: DuePage): Promise<void> {
    const { sink, outbox, log, now } = this.o;
    const nowMs = now();
    await outbox.acknowledge(sink.name, due.id, nowMs);
    count('pages', { sink: sink.name, result: 'acknowledged' });
    measure('pageLatency', Math.max(0, nowMs - due.madeAtMs) / 1_000, { sink: sink.name });
    const { id: page, planId, kind, action, tries } = due;
    log.info({ sink: sink.name, page, planId, kind, action, tries }, 'A page was acknowledged');
    if (due.failures > 0) log.info({ sink: sink.name, failures: due.failures }, 'A sink takes pages again');
  }

  private async failed(due: DuePage, { error, retryAfterMs }: Delivery & { ok: false }): Promise<void> {
    const { sink, outbox, log, limits, now } = this.o;
    const nowMs = now();
    const resumeAtMs = nowMs + Math.max(this.pauseMs(due.failures + 1), retryAfterMs ?? 0);
    const { id: page, planId, kind, tries } = due;
    const about = { sink: sink.name, page, planId, kind, tries, error };
    if (nowMs - due.firstTriedAtMs >= limits.tryForMs) {
      await outbox.giveUp(sink.name, due.id, { nowMs, resumeAtMs, error });
      count('pages', { sink: sink.name, result: 'given-up' });
      log.error({ ...about, alert: 'page-given-up' }, 'A page was given up: nobody was told');
      return;
    }
    const dueAtMs = nowMs + this.pauseMs(tries);
    await outbox.fail(sink.name, due.id, { nowMs, dueAtMs, resumeAtMs, error });
    count('pages', { sink: sink.name, result: 'failed' });
    log.warn(
      { ...about, failures: due.failures + 1, alert: 'sink-failing' },
      'A page could not be delivered',
    );
  }

  /** Full jitter may draw nothing at all; a server that refuses everything must not be asked in a tight loop. */
  private pauseMs(failures: number): number {
    const { limits, random } = this.o;
    const leastMs = Math.min(100, limits.backoff.firstMs);
    return Math.max(leastMs, backoffMs(failures, random(), limits.backoff));
  }

  private async prune(): Promise<void> {
    const { outbox, sink, limits, now } = this.o;
    const nowMs = now();
    if (nowMs - this.prunedAt < PRUNE_EVERY_MS) return;
    const beforeMs = nowMs - limits.keepMs;
    const openBeforeMs = nowMs - OPEN_KEPT_TIMES * limits.keepMs;
    const gone = await outbox.prune(sink.name, { beforeMs, openBeforeMs, limit: PRUNE_PAGES });
    // As long as there is more, again with the next round.
    if (gone < PRUNE_PAGES) this.prunedAt = nowMs;
  }
}

function pageOf({ id, planId, incident, action, kind, content }: DuePage): Page {
  return {
    id,
    planId,
    incident,
    action: action as PageAction,
    kind: kind as PageKind,
    content: JSON.parse(content) as PageContent,
  };
}
