import type { RunResult } from '#sandbox';
import { judgeEnd, leavesRubble, quoteCommand, type Program } from './program-end.ts';

const run = (o: Partial<RunResult>): RunResult => ({
  end: 'exited',
  exitCode: 0,
  signal: null,
  output: '',
  outputBytes: 0,
  durationMs: 1_234,
  message: 'the sandbox says so',
  ...o,
});
const verify: Program = { phase: 'verify', command: 'npm test' };

describe('how a program ended', () => {
  it('is no reason when it exited with 0', () => {
    expect(judgeEnd(verify, run({}))).toBeNull();
  });

  it.each([
    ['setup', 'setup-failed'],
    ['command', 'command-failed'],
    ['codemod', 'codemod-failed'],
    ['agent', 'agent-failed'],
    ['verify', 'verify-failed'],
  ] as const)('a failed %s is %s, with its command and code', (phase, code) => {
    const reason = judgeEnd({ phase, command: 'npm test' }, run({ exitCode: 3 }));
    expect(reason?.code).toBe(code);
    expect(reason?.message).toContain('`npm test` exited with 3 after 1.2 s');
  });

  it.each([
    ['wall-timeout', 'attempt-timeout'],
    ['idle-timeout', 'idle-timeout'],
    ['output-limit', 'output-limit'],
    ['disk-limit', 'disk-limit'],
    ['memory-limit', 'memory-limit'],
    ['process-limit', 'process-limit'],
    ['not-started', 'not-started'],
  ] as const)('%s is %s', (end, code) => {
    expect(judgeEnd(verify, run({ end, exitCode: null }))?.code).toBe(code);
  });

  it('says which signal ended it', () => {
    expect(judgeEnd(verify, run({ exitCode: 139, signal: 'SIGSEGV' }))?.message).toContain(
      'ended by SIGSEGV',
    );
  });

  it('quotes commands in one harmless, short line', () => {
    expect(quoteCommand('a\n  b\u001b[2J')).toBe('`a b\\u001b[2J`');
    expect(quoteCommand('x'.repeat(500)).length).toBeLessThan(210);
  });

  it('a full quota leaves rubble, a failure does not', () => {
    expect(leavesRubble(run({ end: 'disk-limit' }))).toBe(true);
    expect(leavesRubble(run({ exitCode: 1 }))).toBe(false);
  });
});
