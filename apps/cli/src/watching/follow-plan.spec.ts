import { aPlan, aStep, eventually } from '#testing';
import { ConnectionError } from '#client';
import { ScriptedSource } from '../testing/scripted-source.ts';
import { aPictured, aSummary, because, told } from '../testing/watched.ts';
import { followPlan } from './follow-plan.ts';
import type { PlanWatcher } from './plan-watcher.ts';
import type { WatchedPlan } from './watched-plan.ts';

/** Keeps what it is told. */
class Recorder implements PlanWatcher {
  plan: WatchedPlan | null = null;
  readonly said: string[] = [];

  begin(plan: WatchedPlan): void {
    this.plan = plan;
    this.said.push('begin');
  }
  event(event: { type: string }, change: unknown): void {
    this.said.push(`${event.type}${change === null ? ' (no change)' : ''}`);
  }
  waits(): void {
    this.said.push('waits');
  }
  lost(error: Error): void {
    this.said.push(`lost: ${error.message}`);
  }
  back(): void {
    this.said.push('back');
  }
  done(): void {
    this.said.push('done');
  }
}

function following(source: ScriptedSource, change: Partial<Parameters<typeof followPlan>[0]> = {}) {
  const watcher = new Recorder();
  const ended = followPlan({ source, planId: 'plan1', watcher, ...change });
  return { watcher, ended };
}

const completed = told('plan.completed', { reason: because('all steps passed') });

describe('following a plan', () => {
  it('takes one picture, then hears the events after it, until the plan ends', async () => {
    const source = new ScriptedSource();
    source.listed = [aPictured(1)];
    source.submitted = JSON.stringify({
      data: { definition: aPlan({ steps: [aStep({ name: 'step-1', attempts: 4 })] }) },
    });
    const { watcher, ended } = following(source);
    source.tell({ ...told('step.admitted', { ordinal: 1, epoch: 9 }), seq: 10 });
    source.tell(told('step.admitted', { ordinal: 1, epoch: 1 }));
    await eventually(() => watcher.said.includes('step.admitted'));
    expect(watcher.plan!.step('s1')).toMatchObject({ state: 'admitted', epoch: 1, attemptsMax: 4 });
    source.summary = aSummary({ status: 'completed' });
    source.tell(completed, told('plan.closed', {}));
    await expect(ended).resolves.toMatchObject({ status: 'completed' });
    expect(watcher.said).toEqual(['begin', 'back', 'step.admitted', 'plan.completed', 'done']);
    expect(source.options).toMatchObject({ after: 10, giveUpAfterMs: 300_000 });
    expect(source.stepsAsked).toBe(1);
  });

  it('shows a plan that has ended and asks for no events', async () => {
    const source = new ScriptedSource();
    source.summary = aSummary({ status: 'halted' });
    const { watcher, ended } = following(source);
    await expect(ended).resolves.toMatchObject({ status: 'halted' });
    expect(watcher.said).toEqual(['begin', 'done']);
    expect(source.options).toBeNull();
  });

  it('hands out every event from the first one when it is asked to, also of a plan that has ended', async () => {
    const source = new ScriptedSource();
    source.summary = aSummary({ status: 'completed' });
    source.tell({ ...told('plan.submitted', {}), seq: 1 }, { ...completed, seq: 2 });
    const { watcher, ended } = following(source, { fromStart: true });
    await ended;
    expect(watcher.said).toEqual(['begin', 'back', 'plan.submitted (no change)', 'plan.completed', 'done']);
  });

  it('says when the server is away and when it is back', async () => {
    const source = new ScriptedSource();
    const { watcher, ended } = following(source);
    await eventually(() => source.options !== null);
    source.options!.onTrouble!(new ConnectionError('http://x', 'refused'));
    source.options!.onConnected!();
    source.tell(completed);
    await ended;
    expect(watcher.said.slice(1, 4)).toEqual(['back', 'lost: cannot reach http://x: refused', 'back']);
  });

  it('ends with the reason of the signal, and leaves the view', async () => {
    const source = new ScriptedSource();
    const stop = new AbortController();
    const { watcher, ended } = following(source, { signal: stop.signal });
    await eventually(() => source.options !== null);
    stop.abort(new Error('Ctrl-C'));
    await expect(ended).rejects.toThrow('Ctrl-C');
    expect(watcher.said.at(-1)).toBe('done');
  });

  it('asks what steps wait for when the plan has become quiet, and not while nothing waits', async () => {
    const source = new ScriptedSource();
    source.listed = [aPictured(1), aPictured(2)];
    const { watcher, ended } = following(source);
    source.tell(told('step.admitted', { ordinal: 1, epoch: 1 }));
    await eventually(() => watcher.said.includes('step.admitted'));
    source.listed = [aPictured(1), aPictured(2, { wait: 'no worker serves pool "x"' })];
    await eventually(() => watcher.said.includes('waits'), { timeoutMs: 5_000 });
    expect(watcher.plan!.step('s2')!.wait).toBe('no worker serves pool "x"');
    source.tell(completed);
    await ended;
  });
});
