import { sandboxWarning } from './step-context.ts';

describe('running without a sandbox', () => {
  const auto = { workerMode: 'auto', planMode: 'auto', trusted: true } as const;

  it('needs no words where bubblewrap works', () => {
    expect(sandboxWarning({ ...auto, kind: 'bubblewrap', planMode: 'required', trusted: false })).toEqual({
      warning: null,
    });
  });

  it('is for trusted plans, with a warning', () => {
    expect(sandboxWarning({ ...auto, kind: 'process' })).toMatchObject({
      warning: expect.stringContaining('No sandbox'),
    });
  });

  it.each([
    ['the plan requires one', { planMode: 'required' as const }],
    ['the worker requires one', { workerMode: 'required' as const }],
    ['the plan is not trusted', { trusted: false }],
  ])('is refused when %s, for a weaker kind too', (_why, change) => {
    expect(sandboxWarning({ ...auto, kind: 'namespace', ...change })).toMatchObject({
      refused: { code: 'sandbox-missing' },
    });
  });
});
