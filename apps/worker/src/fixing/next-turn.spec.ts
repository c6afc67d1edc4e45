import { beginning, emptyDiffRejects, nextTurn } from './next-turn.ts';

describe('the course of a fix loop', () => {
  it('goes on after a rejection only when the decider says so', () => {
    expect(nextTurn({ attempt: 2, verdict: 'rejected', reply: 'continue' })).toEqual({
      kind: 'again',
      attempt: 3,
    });
    expect(nextTurn({ attempt: 2, verdict: 'rejected', reply: 'stop' })).toEqual({ kind: 'done' });
  });

  it('ends with an accepted attempt', () => {
    expect(nextTurn({ attempt: 1, verdict: 'accepted', reply: 'continue' })).toEqual({ kind: 'done' });
  });

  const sha = 'a'.repeat(40);
  const good = { sha, fetched: true, descendsFromStart: true };

  it('lets an agent go on from the last recorded attempt', () => {
    expect(beginning({ kind: 'agent', previous: good })).toMatchObject({ from: 'previous', sha });
  });

  it('starts over, and says so, when that commit is gone or belongs to another start', () => {
    const gone = beginning({ kind: 'agent', previous: { ...good, fetched: false } });
    expect(gone).toMatchObject({ from: 'start', note: expect.stringContaining('could not be fetched') });
    const foreign = beginning({ kind: 'agent', previous: { ...good, descendsFromStart: false } });
    expect(foreign).toMatchObject({ from: 'start', note: expect.stringContaining('not based on') });
  });

  it('runs recipes on the start each time', () => {
    expect(beginning({ kind: 'run', previous: good })).toEqual({ from: 'start', note: null });
    expect(beginning({ kind: 'agent', previous: null })).toEqual({ from: 'start', note: null });
  });

  it('takes an empty diff from everyone but an agent', () => {
    expect(['run', 'codemod', 'agent'].map((kind) => emptyDiffRejects(kind as 'run'))).toEqual([
      false,
      false,
      true,
    ]);
  });
});
