import { LeaseLostError } from '#bus';
import { DrainingError, StepBlockedError, WorkerFaultError } from '../leasing/errors.ts';
import { settle } from './settling.ts';

const reason = { code: 'merge-conflict', message: 'a and b conflict' };

describe('what an error under a lease means', () => {
  it('says nothing for a lost lease', () => {
    const lost = new LeaseLostError({ planId: 'p1234567', ordinal: 1, epoch: 1 }, 'told', 'cancelled');
    expect(settle(lost)).toEqual({ kind: 'drop' });
  });

  it('hands a draining lease and a fault back', () => {
    expect(settle(new DrainingError())).toMatchObject({ kind: 'release', cause: 'draining' });
    expect(settle(new WorkerFaultError({ code: 'input-missing', message: 'gone' }))).toEqual({
      kind: 'release',
      cause: 'fault',
      reason: { code: 'input-missing', message: 'gone' },
    });
  });

  it('blocks the step when no other time can help', () => {
    expect(settle(new StepBlockedError(reason))).toEqual({
      kind: 'result',
      result: { status: 'blocked', reason },
    });
    const foreign = Object.assign(new Error('no such branch'), { code: 'REF_NOT_FOUND', retry: 'never' });
    expect(settle(foreign)).toMatchObject({
      kind: 'result',
      result: { reason: { code: 'ref-not-found', message: 'no such branch' } },
    });
  });

  it('takes what may be this host’s own trouble as a fault', () => {
    const failed = Object.assign(new Error('git fetch: it failed'), { code: 'GIT_FAILED', retry: 'never' });
    expect(settle(failed)).toMatchObject({ kind: 'release', cause: 'fault', reason: { code: 'git-failed' } });
  });

  it('takes an unknown error as a fault, bounded and harmless to show', () => {
    const settled = settle(new TypeError(`x\u001b[2J${'y'.repeat(20_000)}`));
    if (settled.kind !== 'release') throw new Error('not handed back');
    expect(settled).toMatchObject({ cause: 'fault', reason: { code: 'worker-error' } });
    expect(Buffer.byteLength(settled.reason.message)).toBeLessThanOrEqual(8_000);
    expect(settled.reason.message).not.toContain('\u001b');
    expect(settle(undefined)).toMatchObject({ kind: 'release', cause: 'fault' });
  });
});
