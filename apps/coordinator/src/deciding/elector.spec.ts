import { InMemoryTerms } from '#ledger';
import { silentLogger } from '#telemetry';
import { eventually } from '#testing';
import type { Decider } from './decider.ts';
import { Elector } from './elector.ts';

const TTL_MS = 90;

/** Terms in a ledger that can be away. */
class ShakyTerms extends InMemoryTerms {
  away = false;

  constructor() {
    super({ ttlMs: TTL_MS });
  }

  override async renew(term: number): Promise<boolean> {
    if (this.away) throw new Error('the ledger is away');
    return super.renew(term);
  }
}

describe('the elector', () => {
  let terms: ShakyTerms;
  let elector: Elector;
  let stopped: number[];
  let failStart: boolean;

  beforeEach(() => {
    terms = new ShakyTerms();
    stopped = [];
    failStart = false;
    elector = new Elector({
      terms,
      holder: 'me',
      ttlMs: TTL_MS,
      log: silentLogger,
      build: (term) => {
        const start = async () => {
          if (failStart) throw new Error('the ledger is away');
        };
        const stop = async () => void stopped.push(term);
        return { term, start, stop } as unknown as Decider;
      },
    });
    elector.start();
  });

  afterEach(() => elector.stop());

  const decides = () => eventually(() => elector.current, { what: 'the elector to decide' });

  it('keeps its decider while the ledger is away, but takes no commands until the ledger says that it still decides', async () => {
    const before = await decides();
    terms.away = true;
    await eventually(() => elector.current === null, { what: 'the elector to be unsure' });
    await new Promise((resolve) => setTimeout(resolve, 2 * TTL_MS));
    expect(elector.current).toBeNull();
    expect(stopped).toEqual([]);
    terms.away = false;
    expect(await decides()).toBe(before);
    expect(stopped).toEqual([]);
  });

  it('steps down when another replica took over meanwhile', async () => {
    await decides();
    terms.away = true;
    await eventually(() => elector.current === null, { what: 'the elector to be unsure' });
    expect(await eventually(() => terms.campaign('another'), { what: 'another to win' })).toEqual({
      term: 2,
    });
    terms.away = false;
    await eventually(() => stopped.length > 0, { what: 'the old decider to stop' });
    expect(stopped).toEqual([1]);
  });

  it('gives back a term that it cannot begin, so that another replica can at once', async () => {
    await decides();
    await elector.stop();
    failStart = true;
    const second = new Elector({
      terms,
      holder: 'second',
      ttlMs: 60_000,
      log: silentLogger,
      build: (term) => {
        const start = () => Promise.reject(new Error('a defect'));
        return { term, start, stop: async () => undefined } as unknown as Decider;
      },
    });
    second.start();
    await eventually(async () => (await terms.current()).holder === 'second', { what: 'the second to win' });
    await second.stop();
    expect(await terms.campaign('third')).not.toBeNull();
  });
});
