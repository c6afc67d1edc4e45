import { Permits } from './permits.ts';

describe('permits', () => {
  it('let so many work at once, the others in their order, also when one fails', async () => {
    const permits = new Permits(2);
    const done: string[] = [];
    const ends: (() => void)[] = [];
    let working = 0;
    let most = 0;
    const work = (name: string) =>
      permits.with(async () => {
        most = Math.max(most, (working += 1));
        await new Promise<void>((resolve) => ends.push(resolve));
        working -= 1;
        done.push(name);
        if (name === 'a') throw new Error('a failed');
      });
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => work(name).catch((error: Error) => error.message));
    while (done.length < 5) {
      ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(all)).toEqual(['a failed', undefined, undefined, undefined, undefined]);
    expect([most, done]).toEqual([2, ['a', 'b', 'c', 'd', 'e']]);
  });
});
