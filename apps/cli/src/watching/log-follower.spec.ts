import { eventually } from '#testing';
import { ConnectionError } from '#client';
import { ScriptedSource } from '../testing/scripted-source.ts';
import { aDefinition, aPictured, aWatchedPlan, because, told } from '../testing/watched.ts';
import { LogFollower } from './log-follower.ts';
import type { LogWatcher } from './plan-watcher.ts';
import type { PicturedStep, ToldEvent, WatchedPlan } from './watched-plan.ts';

function following(step: PicturedStep, which = 's1') {
  const source = new ScriptedSource();
  const plan = aWatchedPlan([step], { definition: aDefinition(['step-1', 'fan']) });
  const said: string[] = [];
  const watcher: LogWatcher = {
    attempt: (_step, attempt, again) => said.push(`attempt ${attempt}${again ? ' again' : ''}`),
    lines: (_step, attempt, lines) => said.push(...lines.map((line) => `${attempt}: ${line}`)),
    note: (text) => said.push(`(${text})`),
  };
  const follower = new LogFollower(source, plan, which, watcher);
  const stop = new AbortController();
  return { source, plan, said, follower, stop, ...happening(plan, follower) };
}

function happening(plan: WatchedPlan, follower: LogFollower) {
  return {
    happen: (...events: ToldEvent[]) => {
      for (const event of events) plan.apply(event);
      follower.wake();
    },
  };
}

const running = aPictured(1, { state: 'running', epoch: 1 });
const rejected = (attempt: number) =>
  told('attempt.finished', { ordinal: 1, epoch: 1, attempt, verdict: 'rejected', reason: because('no') });
const passed = told('step.passed', { ordinal: 1, epoch: 1 });

describe('following the log of a step', () => {
  it('shows lines while the attempt runs, and the next attempt after it, each line once', async () => {
    const { source, said, follower, stop, happen } = following(running);
    const ended = follower.run(stop.signal);
    source.logs.set('s1/1', Buffer.from('one\ntw'));
    await eventually(() => said.includes('1: one'));
    expect(said).not.toContain('1: tw');
    source.logs.set('s1/1', Buffer.from('one\ntwo\nno end'));
    await eventually(() => said.includes('1: two'));
    happen(rejected(1));
    source.logs.set('s1/2', Buffer.from('again\r\n'));
    await eventually(() => said.includes('2: again'));
    happen(
      told('attempt.finished', {
        ordinal: 1,
        epoch: 1,
        attempt: 2,
        verdict: 'accepted',
        reason: because(''),
      }),
      passed,
    );
    await ended;
    expect(said).toEqual(['attempt 1', '1: one', '1: two', '1: no end', 'attempt 2', '2: again']);
  });

  it('begins anew when the lease was lost: another worker writes another log', async () => {
    const { source, said, follower, stop, happen } = following(running);
    const ended = follower.run(stop.signal);
    source.logs.set('s1/1', Buffer.from('from the first worker\n'));
    await eventually(() => said.length === 2);
    source.logs.set('s1/1', Buffer.from('other\n'));
    happen(
      told('lease.lost', { ordinal: 1, epoch: 1, reason: because('died'), notBefore: null }),
      told('step.admitted', { ordinal: 1, epoch: 2 }),
      told('lease.granted', { ordinal: 1, epoch: 2 }),
    );
    await eventually(() => said.includes('1: other'));
    expect(said).toEqual(['attempt 1', '1: from the first worker', 'attempt 1 again', '1: other']);
    stop.abort();
    await ended;
  });

  it('keeps characters that come in pieces', async () => {
    const { source, said, follower, stop } = following(running);
    const ended = follower.run(stop.signal);
    const bytes = Buffer.from('変換\n');
    source.logs.set('s1/1', bytes.subarray(0, 4));
    await eventually(() => said.length === 1);
    source.logs.set('s1/1', bytes);
    await eventually(() => said.includes('1: 変換'));
    stop.abort();
    await ended;
  });

  it('shows the last attempt of a step that has ended', async () => {
    const { source, said, follower, stop } = following(
      aPictured(1, { state: 'blocked', epoch: 1, attempts: 3 }),
    );
    source.logs.set('s1/3', Buffer.from('third\n'));
    await follower.run(stop.signal);
    expect(said).toEqual(['attempt 3', '3: third']);
  });

  it('says that a log is lost, and goes on with the next attempt', async () => {
    const { source, said, follower, stop, happen } = following(running);
    const { ProblemError } = await import('#client');
    source.logs.set(
      's1/1',
      new ProblemError(404, {
        title: 'gone',
        code: 'artifact-lost',
        detail: 'the log of attempt 1 is lost',
      }),
    );
    source.logs.set('s1/2', Buffer.from('second\n'));
    const ended = follower.run(stop.signal);
    await eventually(() => said.length === 1);
    happen(rejected(1));
    await eventually(() => said.includes('2: second'));
    expect(said).toEqual(['attempt 1', '(the log of attempt 1 is lost)', 'attempt 2', '2: second']);
    stop.abort();
    await ended;
  });

  it('waits for a server that is away', async () => {
    const { source, said, follower, stop } = following(running);
    source.logs.set('s1/1', new ConnectionError('http://x', 'refused'));
    const ended = follower.run(stop.signal);
    await eventually(() => said.length === 1);
    source.logs.set('s1/1', Buffer.from('back\n'));
    await eventually(() => said.includes('1: back'));
    stop.abort();
    await ended;
  });

  it('cuts a line that never ends', async () => {
    const { source, said, follower, stop } = following(running);
    source.logs.set('s1/1', Buffer.from('x'.repeat(200_000)));
    const ended = follower.run(stop.signal);
    await eventually(() => said.length > 3);
    expect(Math.max(...said.map((line) => line.length))).toBeLessThan(70_000);
    stop.abort();
    await ended;
  });

  it('has read everything when the plan has ended', async () => {
    const { source, said, follower, stop, happen } = following(running);
    const ended = follower.run(stop.signal);
    await eventually(() => said.length === 1);
    source.logs.set('s1/1', Buffer.from('the last words'));
    happen(told('plan.cancelled', { by: { name: 'ada', via: 'cli' }, why: null }));
    await follower.finish();
    expect(said).toEqual(['attempt 1', '1: the last words']);
    await ended;
  });

  it('waits for a step that a fan-out has yet to make, and refuses one that will never be', () => {
    expect(() => following(running, 'fan[a]').follower.check()).not.toThrow();
    expect(() => following(running, 'fna').follower.check()).toThrow('the plan has no step fna');
    const matrix = following(aPictured(1, { name: 'fan[a]' }), 'fan');
    expect(() => matrix.follower.check()).toThrow('fan is a matrix; name one of its steps: s1 fan[a]');
  });

  it('says so when a step has no log', async () => {
    const { said, follower, stop } = following(aPictured(1, { kind: 'noop', state: 'passed', epoch: 1 }));
    await follower.run(stop.signal);
    expect(said).toEqual(['(s1 has no log)']);
  });
});
