import type { PlanEvent } from '#domain';
import { LEDGER_CONTRACT, type LedgerUnderTest } from '../contract/ledger-contract.ts';
import { EMPTY_HEAD } from '../chain/event-body.ts';
import { TERM_TTL_MS } from '../terms.ts';
import { InMemoryLedger } from './in-memory-ledger.ts';
import { InMemoryTerms } from './in-memory-terms.ts';

const event: PlanEvent = { type: 'step.admitted', data: { ordinal: 1, epoch: 1 } };
const append = { planId: 'plan1', expected: EMPTY_HEAD, at: 'now', traceparent: null, events: [event] };

function inMemory(): LedgerUnderTest & { ledger: InMemoryLedger } {
  let nowMs = 0;
  const terms = new InMemoryTerms({ now: () => nowMs });
  const ledger = new InMemoryLedger({ terms });
  return {
    ledger,
    terms,
    async openRival(append) {
      await ledger.appendAll(terms.currentTerm(), [append]);
      return { blocks: async () => undefined, commit: async () => undefined };
    },
    async silence() {
      nowMs += TERM_TTL_MS + 1;
    },
  };
}

describe('the ledger in memory', () => {
  it.each(LEDGER_CONTRACT)('$story', ({ run }) => run(inMemory()));

  it('fails the next append as a test asks, with nothing written', async () => {
    const { ledger, terms } = inMemory();
    await terms.campaign('a');
    ledger.failNextAppend({ outcome: 'nothing-written' });
    await expect(ledger.appendAll(1, [append])).rejects.toMatchObject({ outcome: 'nothing-written' });
    expect(await ledger.head('plan1')).toEqual(EMPTY_HEAD);
    expect(await ledger.appendAll(1, [append])).toMatchObject([{ status: 'appended' }]);
  });

  it('fails with an unknown outcome, written or not', async () => {
    const { ledger, terms } = inMemory();
    await terms.campaign('a');
    for (const written of [false, true]) {
      ledger.failNextAppend({ outcome: 'unknown', written });
      await expect(ledger.appendAll(1, [append])).rejects.toMatchObject({ outcome: 'unknown' });
      expect((await ledger.head('plan1')).seq).toBe(written ? 1 : 0);
    }
  });

  it('gives every reader its own copy', async () => {
    const { ledger, terms } = inMemory();
    await terms.campaign('a');
    await ledger.appendAll(1, [append]);
    const [first] = await ledger.read('plan1', 0, 1);
    first!.event.type = 'plan.closed';
    expect((await ledger.read('plan1', 0, 1))[0]!.event).toEqual(event);
  });
});
