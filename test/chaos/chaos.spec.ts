import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '#testing';
import { ALL_FAULT_KINDS } from './faults/fault-kind.ts';
import { processesNaming } from './fleet/process-table.ts';
import type { Report } from './reporting/report.ts';

const CHAOS = join(import.meta.dirname, 'chaos.ts');
/** Its plan has every kind of fault in it. */
const SEED = 5;
const MINUTES = 0.9;

interface Chaos {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  /** Its exit code. */
  ended: Promise<number | null>;
}

const started: Chaos[] = [];

afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGTERM');
    await ended;
  }
}, 120_000);

function chaos(...args: string[]): Chaos {
  const child = spawn(process.execPath, [CHAOS, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const run = { child, stdout: () => stdout, stderr: () => stderr, ended };
  started.push(run);
  return run;
}

describe('the built fleet under faults', () => {
  it('ends every plan as its text demands, accepts no work twice, and leaves nothing behind', async () => {
    const run = chaos('--minutes', String(MINUTES), '--seed', String(SEED));
    const code = await run.ended;
    const [stdout, stderr] = [run.stdout(), run.stderr()];
    // What a person needs who sees it fail: the seed, the violations and where the logs are.
    if (code !== 0) throw new Error(`chaos with seed ${SEED} ended with ${code}:\n${stdout}\n${stderr}`);
    const report = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Report;
    expect(report).toMatchObject({ seed: SEED, violations: [] });
    const done = Object.keys(report.faultsByKind);
    expect([...done, ...report.faultsLeftOut].sort()).toEqual([...ALL_FAULT_KINDS].sort());
    // Not every machine lets a test mount a disk. Everything else can be done everywhere.
    expect(report.faultsLeftOut.filter((kind) => kind !== 'disk-full')).toEqual([]);
    // A run in which nothing was lost, or nothing came to an end, would have shown nothing.
    expect(report.leasesLost).toBeGreaterThan(0);
    expect(report.repairs).toBeGreaterThan(0);
    expect(report.plansByEnd).toMatchObject({ completed: expect.any(Number), halted: expect.any(Number) });
    expect(report.steps).toBeGreaterThan(30);
  }, 420_000);

  it('is taken down whole when somebody interrupts it', async () => {
    const run = chaos('--minutes', '5', '--seed', String(SEED));
    const folder = await eventually(() => /^the fleet is in (\S+)$/m.exec(run.stderr())?.[1], {
      timeoutMs: 120_000,
      what: 'the fleet to be started',
    });
    // Frozen processes are the ones that could be forgotten.
    await eventually(() => run.stderr().includes('for '), { timeoutMs: 120_000, what: 'the first fault' });
    expect((await processesNaming(folder)).length).toBeGreaterThan(6);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(1);
    expect(existsSync(folder)).toBe(false);
    expect(await processesNaming(folder)).toEqual([]);
  }, 300_000);

  it('is not begun with what is no number', async () => {
    const { ended, stderr } = chaos('--minutes', 'ten');
    expect(await ended).toBe(1);
    expect(stderr()).toContain('--minutes must be a number above 0');
  });
});
