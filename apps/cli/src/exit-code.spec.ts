import { exitCodeOfStatus, hasEnded } from './exit-code.ts';

describe('exit codes', () => {
  it.each([
    ['completed', 0],
    ['running', 0],
    ['halted', 2],
    ['cancelled', 2],
    ['something-newer', 2],
  ])('a plan that is %s exits with %i', (status, code) => {
    expect(exitCodeOfStatus(status)).toBe(code);
  });

  it('waits for nothing but a running plan', () => {
    expect(hasEnded('running')).toBe(false);
    expect(hasEnded('halted')).toBe(true);
  });
});
