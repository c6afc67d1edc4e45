import { aPlan } from '#testing';
import { EMPTY_HEAD, InMemoryLedger, InMemoryTerms } from '#ledger';
import type { PlanEvent } from '#domain';
import type { LedgerEvent } from '#client';
import { parseAnchor } from './anchor.ts';
import { readLedgerFacts, verifyPlanLedger, type LedgerSource } from './ledger-verification.ts';

const planId = 'p0000001';
const sha = 'c'.repeat(40);

describe('verifying a ledger from the client', () => {
  it('accepts what was written, and says how far', async () => {
    const events = await aLedger();
    expect(await verifyPlanLedger(sourceOf(events), planId, null)).toMatchObject({
      ok: true,
      events: 4,
      head: { seq: 4 },
    });
    expect(await verifyPlanLedger(sourceOf(events), planId, anchorAt(events, 2))).toMatchObject({ ok: true });
  });

  it('reads page by page', async () => {
    const events = await aLedger();
    expect(await verifyPlanLedger(sourceOf(events, { page: 1 }), planId, null)).toMatchObject({
      ok: true,
      events: 4,
    });
  });

  it('finds one altered event', async () => {
    const events = await aLedger();
    events[1]!.body = events[1]!.body.replace('s1', 's2').replace('"ordinal":1', '"ordinal":2');
    expect(await verifyPlanLedger(sourceOf(events), planId, null)).toMatchObject({
      ok: false,
      problem: 'altered',
      seq: 2,
    });
  });

  it('finds an event that is listed as something else than it says', async () => {
    const events = await aLedger();
    events[1]!.type = 'step.passed';
    expect(await verifyPlanLedger(sourceOf(events), planId, null)).toMatchObject({
      ok: false,
      problem: 'relabelled',
      seq: 2,
    });
  });

  it('finds one inserted and one dropped event', async () => {
    const inserted = await aLedger();
    inserted.splice(2, 0, { ...inserted[1]! });
    expect(await verifyPlanLedger(sourceOf(inserted), planId, null)).toMatchObject({
      ok: false,
      problem: 'inserted',
    });
    const dropped = await aLedger();
    dropped.splice(1, 1);
    expect(await verifyPlanLedger(sourceOf(dropped), planId, null)).toMatchObject({
      ok: false,
      problem: 'dropped',
      seq: 2,
    });
  });

  it('finds a tail that was cut off, by the anchor', async () => {
    const events = await aLedger();
    const anchor = anchorAt(events, 4);
    const source = sourceOf(events.slice(0, 3), { head: null });
    expect(await verifyPlanLedger(source, planId, anchor)).toMatchObject({
      ok: false,
      problem: 'truncated',
      seq: 4,
    });
  });

  it('finds a tail that was cut off behind the anchor, by what the projection knew', async () => {
    const events = await aLedger();
    const source = sourceOf(events.slice(0, 3), { head: anchorAt(events, 4) });
    expect(await verifyPlanLedger(source, planId, anchorAt(events, 2))).toMatchObject({
      ok: false,
      problem: 'truncated',
      seq: 4,
    });
  });

  it('finds a ledger that was rewritten as a whole', async () => {
    const anchor = anchorAt(await aLedger(), 3);
    const rewritten = await aLedger({ branch: 'other' });
    expect(await verifyPlanLedger(sourceOf(rewritten), planId, anchor)).toMatchObject({
      ok: false,
      problem: 'replaced',
    });
  });

  it('wants the commit that carries the anchor to be the accepted one', async () => {
    const events = await aLedger();
    const anchor = { ...anchorAt(events, 2), commit: sha };
    expect(await verifyPlanLedger(sourceOf(events), planId, anchor)).toMatchObject({ ok: true });
    const cut = sourceOf(events.slice(0, 2), { head: null });
    expect(await verifyPlanLedger(cut, planId, anchor)).toMatchObject({ ok: false, problem: 'truncated' });
  });

  it('finds an empty ledger', async () => {
    expect(await verifyPlanLedger(sourceOf([], { head: null }), planId, null)).toMatchObject({ ok: false });
  });

  it('says where an anchor may be found', async () => {
    expect(await readLedgerFacts(sourceOf(await aLedger()), planId)).toEqual({
      repoUrl: null,
      accepted: { branch: 'skein/x', sha },
    });
  });

  it('refuses an anchor that is none', () => {
    expect(parseAnchor(`12:${'a'.repeat(64)}`)).toEqual({ seq: 12, hash: 'a'.repeat(64) });
    for (const text of ['', '0:00', `x:${'a'.repeat(64)}`, `3:${'a'.repeat(63)}`])
      expect(() => parseAnchor(text)).toThrow('no anchor');
  });
});

async function aLedger(o: { branch?: string } = {}): Promise<LedgerEvent[]> {
  const terms = new InMemoryTerms();
  const ledger = new InMemoryLedger({ terms });
  const campaign = await terms.campaign('test');
  const events: PlanEvent[] = [
    {
      type: 'plan.submitted',
      data: {
        tenant: 'default',
        definition: aPlan({ name: 'x', steps: [] }),
        digest: '0'.repeat(64),
        idempotencyKey: 'k',
        by: { name: 'me', via: 'cli' },
        traceparent: null,
      },
    },
    { type: 'step.admitted', data: { ordinal: 1, epoch: 1 } },
    {
      type: 'integration.accepted',
      data: {
        ordinal: 2,
        branch: o.branch ?? 'skein/x',
        commit: { sha, ref: 'r' },
        expectedOld: null,
        baseSha: sha,
        diffstat: null,
      },
    },
    { type: 'plan.closed', data: {} },
  ];
  const at = '2026-01-01T00:00:00.000Z';
  await ledger.appendAll(campaign!.term, [{ planId, expected: EMPTY_HEAD, at, traceparent: null, events }]);
  const stored = await ledger.read(planId, 0, 100);
  return stored.map(({ seq, event, body, prevHash, hash }) => ({
    seq,
    at,
    type: event.type,
    data: { ...event.data },
    traceparent: null,
    body,
    prevHash,
    hash,
  }));
}

function anchorAt(events: LedgerEvent[], seq: number) {
  return { seq, hash: events[seq - 1]!.hash };
}

function sourceOf(
  events: LedgerEvent[],
  o: { head?: { seq: number; hash: string } | null; page?: number } = {},
): LedgerSource {
  const last = events.at(-1);
  const head = o.head === undefined && last ? { seq: last.seq, hash: last.hash } : (o.head ?? null);
  return {
    plan: async () => ({ head }),
    ledger: async (_planId, after, limit) => {
      const start = after === 0 ? 0 : events.findIndex((event) => event.seq > after);
      return {
        head: head ?? EMPTY_HEAD,
        events: start < 0 ? [] : events.slice(start, start + Math.min(limit, o.page ?? limit)),
      };
    },
  };
}
