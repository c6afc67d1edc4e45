import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const BENCH = join(import.meta.dirname, 'bench.ts');
const TIMEOUT_MS = 240_000;

async function bench(...args: string[]): Promise<{ code: number | null; out: string; errors: string }> {
  const child = spawn(process.execPath, [BENCH, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ]);
  return { code: child.exitCode, out, errors };
}

/** That each runs to its end and says what it measured. Nothing is asserted of times. */
describe('the benchmark, in small', () => {
  it.each([
    ['wide', ['--size', '50'], { steps: 52, stepsPerSecond: expect.any(Number) }],
    ['chain', ['--size', '10'], { steps: 10, msPerHop: { p50: expect.any(Number) } }],
    ['diamonds', ['--size', '20'], { steps: 200, atHalfLoad: { admissionMs: { p99: expect.any(Number) } } }],
    ['fair', ['--size', '100', '--slots', '16'], { ratio: expect.any(Number) }],
    [
      'git',
      ['--size', '8', '--slots', '4'],
      { worktreeRatio: expect.any(Number), msPerStep: expect.any(Number) },
    ],
    ['recover', ['--size', '1000'], { openPlans: 10, ledgerEvents: 1_000, seconds: expect.any(Number) }],
    [
      'idle',
      ['--size', '20', '--seconds', '2'],
      { queries: expect.any(Number), percentOfACore: expect.any(Number) },
    ],
    ['fleet', ['--size', '4', '--seconds', '2'], { leases: 20, percentOfACore: expect.any(Number) }],
  ])(
    'measures %s',
    async (workload, args, figures) => {
      const { code, out, errors } = await bench(workload, '--json', ...args);
      expect(code === 0 ? '' : errors).toBe('');
      const lines = out.trimEnd().split('\n');
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0]!)).toMatchObject({ workload, machine: expect.any(String), ...figures });
    },
    TIMEOUT_MS,
  );

  it('refuses what it does not know, and leaves nothing behind', async () => {
    const folders = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('skein-bench-'));
    const before = await folders();
    const unknown = await bench('toString');
    expect(unknown).toMatchObject({ code: 1, out: '' });
    expect(unknown.errors).toContain('wide: 1 root, N leaves, 1 join');
    const size = await bench('wide', '--size', '1e9');
    expect(size).toMatchObject({ code: 1, out: '' });
    expect(size.errors).toContain('--size must be a whole number');
    expect(await folders()).toEqual(before);
  });
});
