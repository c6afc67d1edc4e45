import { tempDir } from '#testing';
import { simulate, type ManySeeds, type OneSeed } from './simulated.ts';

describe('the simulation', () => {
  let cacheDir: string;

  beforeAll(async () => {
    cacheDir = await tempDir('compiled');
  });

  it('keeps every promise in thousands of runs, and sees every event, transition, answer and fault in them', async () => {
    const { result, exitCode, told } = await simulate<ManySeeds>(['--seeds', '3000'], cacheDir);
    expect({ ...result, told: exitCode === 0 ? '' : told.slice(-8_000) }).toMatchObject({
      told: '',
      seeds: 3_000,
      failed: null,
      missing: [],
    });
  }, 900_000);

  it('plays the same run for the same seed, in whichever process', async () => {
    const play = (): Promise<string[]> =>
      Promise.all(
        ['115', '417', '889'].map(async (seed) => {
          const { result } = await simulate<OneSeed>(['--seed', seed], cacheDir);
          return result?.digest ?? '';
        }),
      );
    const digests = await play();
    expect(new Set(digests).size).toBe(3);
    expect(await play()).toEqual(digests);
  }, 120_000);

  it.each([
    [['--seeds', 'many'], '--seeds must be a whole number of at most 9 digits, not "many"'],
    [['--seeds', '0'], '--seeds must be at least 1'],
    [['--from', '-1'], '--from'],
    [['--seed', '1', '--seeds', '2'], '--seed plays one seed, --seeds and --from play many'],
    [['--sed', '1'], "Unknown option '--sed'"],
    [['7'], "Unexpected argument '7'"],
    [['--plant', 'nothing'], 'no bug is called nothing; there are fencing-off'],
  ])('refuses %j and says what to write instead', async (args, why) => {
    const { result, exitCode, told } = await simulate(args, cacheDir);
    expect({ result, exitCode }).toEqual({ result: null, exitCode: 2 });
    expect(told).toContain(why);
    expect(told).not.toContain('    at ');
  });
});
