import type { SinkView } from '#client';
import { checkPaging } from './paging.ts';

const sink = { name: 'ops', failingSince: null, lastError: null, givenUp: 0 } as SinkView;

describe('what the doctor says of paging', () => {
  it('is who is paged, by the server that runs, else by the settings', () => {
    expect(checkPaging([], null)).toMatchObject({
      state: 'found',
      detail: expect.stringContaining('nobody'),
    });
    expect(checkPaging(['chat'], null)).toMatchObject({ state: 'found', detail: 'chat' });
    expect(checkPaging(['chat'], [sink])).toMatchObject({ state: 'found', detail: 'ops' });
  });

  it('is that somebody cannot be reached, why, and how to try it again', () => {
    const failing = { ...sink, failingSince: '2026-11-20T11:59:30.000Z', lastError: 'answered 403' };
    expect(checkPaging([], [failing])).toMatchObject({
      state: 'weak',
      detail: expect.stringContaining('ops: answered 403'),
      todo: expect.stringContaining('skein sinks test ops'),
    });
    expect(checkPaging([], [{ ...sink, givenUp: 1 }])).toMatchObject({ state: 'weak' });
  });
});
