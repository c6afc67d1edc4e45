import { tempDir } from '#testing';
import { PLANTED_BUGS } from './planting/planted-bugs.ts';
import { simulate, type ManySeeds, type Simulated } from './simulated.ts';

/** Found by then, each of them: most within 71, the slowest in 417. */
const SEEDS_MAX = 1_000;
/** What a person reads to the end. */
const LINES_MAX = 120;
const AT_ONCE = 2;

const names = Object.keys(PLANTED_BUGS);

describe('a bug that is planted in the product', () => {
  const found = new Map<string, Simulated<ManySeeds>>();

  beforeAll(async () => {
    const cacheDir = await tempDir('compiled');
    const left = [...names];
    const lane = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop())
        found.set(name, await simulate<ManySeeds>(['--seeds', String(SEEDS_MAX), '--plant', name], cacheDir));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }, 900_000);

  it.each(names)('is found by the simulation, and its story is short: %s', (name) => {
    const { result, exitCode, told } = found.get(name) as Simulated<ManySeeds>;
    expect({ exitCode, told: result?.failed ? '' : told.slice(-2_000) }).toEqual({ exitCode: 1, told: '' });
    const { promise, story } = result?.failed as NonNullable<ManySeeds['failed']>;
    expect(story.promise).toBe(promise);
    expect(story.lines).toBeLessThan(LINES_MAX);
    expect(story.faults).toBeLessThanOrEqual(4);
    expect(told).toContain(`BROKEN: ${promise}`);
  });
});
