import { aPlan, anIntegration } from '#testing';
import { admit, decide } from '../plan/decide.ts';
import type { PlanInput } from '../plan/input.ts';
import { initialPlanState, stepOf, type PlanState } from '../plan/state.ts';
import { explainWait } from './explain.ts';
import { Fleet } from './fleet.ts';

const NOW = 1_800_000_000_000;
const SLOTS = new Map([['default', 10]]);
const SHA = 'a'.repeat(40);

/** Plans of one step that integrate, each as far as its `integrate` is due. */
class Yard {
  readonly fleet = new Fleet({ fleet: null, pools: {} });

  plan(planId: string, url: string, branch: string): PlanState {
    const state = initialPlanState(planId);
    const definition = aPlan({ repo: { url, base: 'main' }, integrate: anIntegration({ branch }) });
    const by = { name: 'me', via: 'cli' };
    const submission = {
      tenant: 'local',
      definition,
      digest: 'd',
      idempotencyKey: 'k',
      by,
      traceparent: null,
    };
    this.tell(state, { kind: 'submit', submission });
    this.admit();
    this.pass(state, 0, { resolved: { baseSha: SHA, files: {}, texts: {} } });
    this.admit();
    this.pass(state, 1);
    return state;
  }

  admit(): string[] {
    const admitted: string[] = [];
    this.fleet.admit(NOW, SLOTS, (plan, ordinal) => {
      admit(plan, ordinal, NOW);
      admitted.push(`${plan.planId}/${stepOf(plan, ordinal).instance.kind}`);
    });
    return admitted;
  }

  pass(state: PlanState, ordinal: number, rest: Partial<Extract<PlanInput, { kind: 'passed' }>> = {}): void {
    const lease = { ordinal, epoch: stepOf(state, ordinal).epoch, worker: 'w', tokenDigest: 't' };
    const nothing = { commit: null, outputs: {}, resolved: null, candidate: null };
    this.tell(state, { kind: 'passed', lease, ...nothing, ...rest });
  }

  integrated(state: PlanState, branch: string): void {
    const commit = { sha: SHA, ref: 'refs/skein/p/s2/1-t/1' };
    const candidate = { branch, commit, expectedOld: null, baseSha: SHA, diffstat: null };
    this.pass(state, state.system.integrate!, { commit, candidate });
  }

  private tell(state: PlanState, input: PlanInput): void {
    decide(state, input, NOW);
    this.fleet.update(state);
  }
}

describe('plans that integrate into one branch of one repository', () => {
  it('take turns, from the merge to the end of the publishing', () => {
    const yard = new Yard();
    const one = yard.plan('p1', '/repo', 'team/change');
    expect(yard.admit()).toEqual(['p1/integrate']);
    const two = yard.plan('p2', '/repo', 'team/change');
    expect(yard.admit()).toEqual([]);
    const waits = explainWait(yard.fleet, two, two.system.integrate!, NOW, SLOTS);
    expect(waits).toContain('plan p1 is integrating into team/change');

    yard.integrated(one, 'team/change');
    expect(yard.admit()).toEqual(['p1/publish']);
    yard.pass(one, one.system.publish!);
    expect(yard.admit()).toContain('p2/integrate');
  });

  it('do not wait for those of other branches and other repositories', () => {
    const yard = new Yard();
    yard.plan('p1', '/repo', 'team/change');
    expect(yard.admit()).toEqual(['p1/integrate']);
    yard.plan('p2', '/repo', 'team/other');
    expect(yard.admit()).toEqual(['p2/integrate']);
    yard.plan('p3', '/elsewhere', 'team/change');
    expect(yard.admit()).toEqual(['p3/integrate']);
  });

  it('go on when the one before was cancelled', () => {
    const yard = new Yard();
    const one = yard.plan('p1', '/repo', 'team/change');
    yard.admit();
    yard.plan('p2', '/repo', 'team/change');
    expect(yard.admit()).toEqual([]);
    decide(one, { kind: 'cancel', by: { name: 'me', via: 'cli' }, why: null }, NOW);
    yard.fleet.update(one);
    expect(yard.admit()).toContain('p2/integrate');
  });
});
