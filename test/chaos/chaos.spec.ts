import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ALL_FAULT_KINDS } from './faults/fault-kind.ts';
import type { Report } from './reporting/report.ts';

const CHAOS = join(import.meta.dirname, 'chaos.ts');
/** Its plan has every kind of fault in it. */
const SEED = 5;
const MINUTES = 0.9;

let running: ReturnType<typeof spawn> | null = null;

afterEach(() => {
  running?.kill('SIGTERM');
});

function chaos(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHAOS, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    running = child;
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      running = null;
      resolve({ code, stdout, stderr });
    });
  });
}

describe('the built fleet under faults', () => {
  it('ends every plan as its text demands, accepts no work twice, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await chaos('--minutes', String(MINUTES), '--seed', String(SEED));
    // What a person needs who sees it fail: the seed, the violations and where the logs are.
    if (code !== 0) throw new Error(`chaos with seed ${SEED} ended with ${code}:\n${stdout}\n${stderr}`);
    const report = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Report;
    expect(report).toMatchObject({ seed: SEED, violations: [] });
    const done = Object.keys(report.faultsByKind);
    expect([...done, ...report.faultsLeftOut].sort()).toEqual([...ALL_FAULT_KINDS].sort());
    // A run in which nothing was lost, or nothing came to an end, would have shown nothing.
    expect(report.leasesLost).toBeGreaterThan(0);
    expect(report.repairs).toBeGreaterThan(0);
    expect(report.plansByEnd).toMatchObject({ completed: expect.any(Number), halted: expect.any(Number) });
    expect(report.steps).toBeGreaterThan(30);
  }, 420_000);

  it('is not begun with what is no number', async () => {
    const { code, stderr } = await chaos('--minutes', 'ten');
    expect(code).toBe(1);
    expect(stderr).toContain('--minutes must be a number above 0');
  });
});
