import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { FuzzResult } from './fuzzing.ts';

const REQUESTS = 20_000;
const SEED = '20261121';
const TEST_MS = 600_000;

describe('the API of the built coordinator', () => {
  it(
    'answers twenty thousand requests as it says it does, whatever they are, and records none that it refused',
    async () => {
      const { code, output } = await fuzzed('--requests', String(REQUESTS), '--seed', SEED);
      const last = output.trimEnd().split('\n').at(-1) ?? '';
      expect(last).toMatch(/^\{/);
      const result = JSON.parse(last) as FuzzResult;
      expect(result.failures).toEqual([]);
      expect([code, result.failed]).toEqual([0, 0]);
      expect(result.requests).toBeGreaterThanOrEqual(REQUESTS);
      // They came to where plans are decided, and not only to the first check.
      expect(result.pastValidation).toBeGreaterThan(REQUESTS / 3);
      expect(result.accepted).toBeGreaterThan(500);
    },
    TEST_MS,
  );
});

function fuzzed(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'fuzz.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
