import { FLEET_STREAM } from '#domain';
import { exitCodes, UsageError } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import {
  localRepository,
  parseAnchor,
  readCommitAnchor,
  type Anchor,
  type CommitAnchor,
} from '../verifying/anchor.ts';
import { readLedgerFacts, verifyPlanLedger } from '../verifying/ledger-verification.ts';
import { jsonLine, type CommandContext, type CommandResult, type VerifyOptions } from './context.ts';

export async function verifyLedger(
  { client, terminal }: CommandContext,
  given: string | null,
  o: VerifyOptions,
): CommandResult {
  if (o.limits === (given !== null)) throw new UsageError('name a plan, or give --limits');
  if (given === null) return verifyLimits({ client, terminal }, o);
  const planId = given;
  const found = await findAnchor(client, planId, o);
  const verdict = await verifyPlanLedger(client, planId, found.anchor);
  if (o.json) terminal.out(jsonLine({ planId, ...verdict, anchoredBy: found.anchor ? found.from : null }));
  else if (!verdict.ok) {
    terminal.out(
      `${terminal.paint('red', 'NOT VERIFIED')}: ${escapeText(verdict.message)} (${verdict.problem})`,
    );
  } else {
    terminal.out(
      `${terminal.paint('green', 'verified')}: ${verdict.events} events, head ${verdict.head.seq}:${verdict.head.hash}`,
    );
    terminal.out(
      verdict.anchor
        ? `  anchored at seq ${verdict.anchor.seq} by ${escapeText(found.from)}`
        : `  not anchored (${escapeText(found.from)}): a ledger that was rewritten as a whole would pass too`,
    );
  }
  return verdict.ok ? exitCodes.ok : exitCodes.endedOtherwise;
}

/** Of the limits there is no projection to compare with: only an anchor that was noted elsewhere tells of a cut-off end. */
async function verifyLimits({ client, terminal }: CommandContext, o: VerifyOptions): CommandResult {
  if (o.repo !== undefined || o.ref !== undefined)
    throw new UsageError('no commit holds an anchor of the limits: give it with --anchor');
  const source = {
    plan: () => Promise.resolve({ head: null }),
    ledger: (_: string, after: number, limit: number) => client.operator.limitsLedger(after, limit),
  };
  const anchor = o.anchor === undefined ? null : parseAnchor(o.anchor);
  const { events } = await client.operator.limitsLedger(0, 1);
  const isEmpty = events.length === 0 && anchor === null;
  if (isEmpty) {
    terminal.out(
      o.json ? jsonLine({ limits: true, ok: true, events: 0 }) : 'no limit was ever changed at run time',
    );
    return exitCodes.ok;
  }
  const verdict = await verifyPlanLedger(source, FLEET_STREAM, anchor);
  if (o.json) terminal.out(jsonLine({ limits: true, ...verdict }));
  else if (verdict.ok)
    terminal.out(
      `${terminal.paint('green', 'verified')}: ${verdict.events} events, head ${verdict.head.seq}:${verdict.head.hash}`,
    );
  else
    terminal.out(
      `${terminal.paint('red', 'NOT VERIFIED')}: ${escapeText(verdict.message)} (${verdict.problem})`,
    );
  return verdict.ok ? exitCodes.ok : exitCodes.endedOtherwise;
}

/** As told; else, when the plan was integrated into a folder of this machine, the commit's trailer there. */
async function findAnchor(
  client: CommandContext['client'],
  planId: string,
  o: VerifyOptions,
): Promise<{ anchor: Anchor | CommitAnchor | null; from: string }> {
  if (o.anchor !== undefined) return { anchor: parseAnchor(o.anchor), from: 'the given anchor' };
  if (o.repo !== undefined) {
    const ref = o.ref ?? 'HEAD';
    return {
      anchor: await readCommitAnchor({ repository: o.repo, ref, planId }),
      from: `${ref} in ${o.repo}`,
    };
  }
  if (o.ref !== undefined) throw new UsageError('--ref needs --repo');
  const { repoUrl, accepted } = await readLedgerFacts(client, planId);
  const repository = repoUrl === null ? null : localRepository(repoUrl);
  if (repository === null)
    return { anchor: null, from: 'no repository on this machine; see --repo and --anchor' };
  // A ledger that records no integration may be one whose end was cut off: then some branch still tells.
  const ref = accepted === null ? null : `refs/heads/${accepted.branch}`;
  try {
    const anchor = await readCommitAnchor({ repository, ref, planId });
    return { anchor, from: `commit ${anchor.commit.slice(0, 12)} of ${accepted?.branch ?? 'a branch'}` };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { anchor: null, from: accepted === null ? 'the plan has integrated nothing' : why };
  }
}
