import { ChainVerifier, parseBody, type VerifyResult } from '#ledger';
import type { LedgerEvent, LedgerPage } from '#client';
import type { Anchor, CommitAnchor } from './anchor.ts';

const PAGE_EVENTS = 500;

/** Where the events come from: the coordinator, or a test's plan. */
export interface LedgerSource {
  /** null: nobody knows how far it came. */
  plan(planId: string): Promise<{ head: Anchor | null }>;
  ledger(planId: string, after: number, limit: number): Promise<LedgerPage>;
}

export interface LedgerFacts {
  /** The repository that the plan was submitted for; null: none. */
  repoUrl: string | null;
  /** The integration that the ledger records as accepted. */
  accepted: { branch: string; sha: string } | null;
}

export type LedgerVerdict =
  | { ok: true; head: Anchor; events: number; anchor: Anchor | null }
  | { ok: false; problem: string; seq: number; message: string };

/** What the ledger says about where its anchor may be found. Proves nothing: verification comes after it. */
export async function readLedgerFacts(source: LedgerSource, planId: string): Promise<LedgerFacts> {
  const facts: LedgerFacts = { repoUrl: null, accepted: null };
  for await (const event of eventsOf(source, planId)) {
    const said = trySaid(event.body);
    if (said?.type === 'plan.submitted') facts.repoUrl = said.data.definition.repo?.url ?? null;
    if (said?.type === 'integration.accepted') {
      facts.accepted = { branch: said.data.branch, sha: said.data.commit.sha };
    }
  }
  return facts;
}

/**
 * Recomputes the chain over the exact bytes that the server hands out. Beyond the chain itself, the ledger must
 * hold the head that the plan's projection knows (a shortened tail), the anchor, and the commit that carries it.
 */
export async function verifyPlanLedger(
  source: LedgerSource,
  planId: string,
  anchor: Anchor | CommitAnchor | null,
): Promise<LedgerVerdict> {
  // Asked for before the events: what the projection knows by now, the ledger must have.
  const projected = (await source.plan(planId)).head;
  const chain = new ChainVerifier(planId, anchor ?? undefined);
  let events = 0;
  let acceptedSha: string | null = null;
  let projectedHash: string | null = null;
  for await (const event of eventsOf(source, planId)) {
    const failure = chain.add(event);
    if (failure) return refuse(failure);
    events++;
    const said = trySaid(event.body);
    if (said && said.type !== event.type) {
      return {
        ok: false,
        problem: 'relabelled',
        seq: event.seq,
        message: `Event seq ${event.seq} is listed as ${event.type}, but its hashed text says ${said.type}.`,
      };
    }
    if (said?.type === 'integration.accepted') acceptedSha = said.data.commit.sha;
    if (event.seq === projected?.seq) projectedHash = event.hash;
  }
  const result = chain.finish();
  if (!result.ok) return refuse(result);
  if (events === 0)
    return { ok: false, problem: 'truncated', seq: 1, message: 'The ledger has no event of this plan.' };
  if (projected && projectedHash !== projected.hash) {
    return {
      ok: false,
      problem: projectedHash === null ? 'truncated' : 'replaced',
      seq: Math.min(result.head.seq + 1, projected.seq),
      message: `The plan was known to have reached seq ${projected.seq} (${projected.hash}); the ledger does not have that event.`,
    };
  }
  if (anchor && 'commit' in anchor && acceptedSha !== anchor.commit) {
    return {
      ok: false,
      problem: 'truncated',
      seq: result.head.seq + 1,
      message: `Commit ${anchor.commit} was integrated for this plan, but the ledger ${acceptedSha ? `accepted ${acceptedSha}` : 'does not record it'}.`,
    };
  }
  return {
    ok: true,
    head: result.head,
    events,
    anchor: anchor ? { seq: anchor.seq, hash: anchor.hash } : null,
  };
}

async function* eventsOf(source: LedgerSource, planId: string): AsyncGenerator<LedgerEvent> {
  let after = 0;
  for (;;) {
    const { events } = await source.ledger(planId, after, PAGE_EVENTS);
    yield* events;
    const last = events.at(-1);
    // A server that repeats a page would hold us here for ever.
    if (!last || last.seq <= after) return;
    after = last.seq;
  }
}

function trySaid(body: string) {
  try {
    return parseBody(body).event;
  } catch {
    return null;
  }
}

function refuse(failure: VerifyResult & { ok: false }): LedgerVerdict {
  return { ok: false, problem: failure.problem, seq: failure.seq, message: failure.message };
}
