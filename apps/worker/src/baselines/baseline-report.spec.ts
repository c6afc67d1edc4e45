import type { JudgedCheck } from './check-passes.ts';
import { baselineReport, redReason } from './baseline-report.ts';

const check = (o: Partial<JudgedCheck> = {}): JudgedCheck => ({
  command: 'npm test',
  verdict: 'green',
  durationMs: 10,
  reason: null,
  output: '',
  ...o,
});

describe('the report on a base', () => {
  it('says each check, and nothing that moves a terminal', () => {
    const red = check({
      command: 'npm\n  test \u001b[2J',
      verdict: 'red',
      reason: 'it failed',
      output: 'long',
    });
    expect(baselineReport([check(), red], false)).toEqual({
      checks: [
        { command: 'npm test', verdict: 'green', durationMs: 10, reason: null },
        { command: 'npm test \\u001b[2J', verdict: 'red', durationMs: 10, reason: 'it failed' },
      ],
      cached: false,
    });
  });

  it('fits into a step’s outputs however many checks there are and however long', () => {
    const many = Array.from({ length: 201 }, (_, i) =>
      check({
        command: `${i} ${'\u0001\ud800é"'.repeat(5_000)}`,
        verdict: 'red',
        reason: '\u0002'.repeat(9_000),
      }),
    );
    const report = baselineReport(many, true);
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThanOrEqual(64 * 1024);
    expect(report.checks).toHaveLength(201);
    expect(report.checks[200]!.command).toMatch(/^200 .+…$/u);
    expect(JSON.stringify(report).isWellFormed()).toBe(true);
  });
});

describe('the reason of a red base', () => {
  it('is none when checks are green or flaky', () => {
    expect(redReason('a'.repeat(40), [check(), check({ verdict: 'flaky', reason: 'x' })])).toBeNull();
  });

  it('names the red checks and shows the end of the output, within the wire’s bound', () => {
    const checks = Array.from({ length: 12 }, (_, i) =>
      check({ command: `check ${i} ${'x'.repeat(500)}`, verdict: 'red', reason: `check ${i} exited with 1` }),
    );
    checks[0]!.output = `${'noise\n'.repeat(5_000)}3 tests failed\u001b[31m`;
    const { code, message } = redReason('abcdef0123456789', checks)!;
    expect(code).toBe('baseline-red');
    expect(message).toContain('base abcdef012345 12 of');
    expect(message).toContain('`check 1 xxx');
    expect(message).toContain('and 2 more');
    expect(message).toContain('check 0 exited with 1');
    expect(message).toMatch(/3 tests failed\\u001b\[31m$/);
    expect(Buffer.byteLength(message)).toBeLessThan(8_000);
  });
});
