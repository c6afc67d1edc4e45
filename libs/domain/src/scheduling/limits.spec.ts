import fc from 'fast-check';
import { Caps } from './caps.ts';
import {
  FLEET_STREAM,
  LIMITS_CHANGED_MAX,
  LIMIT_KINDS,
  LIMIT_RULES,
  changeLimits,
  evolveLimits,
  initialLimits,
  limitKey,
  limitProblem,
  parseLimitKey,
  type FleetEvent,
  type LimitsInput,
  type StandingLimits,
} from './limits.ts';

const by = { name: 'ann', via: 'cli' };
const T = 1_800_000_000_000;
const PLAN = 'plan00000001';

function asked(limits: LimitsInput['limits'], rest: Partial<LimitsInput> = {}): LimitsInput {
  return { by, why: 'a deploy', limits, expectedSeq: null, ...rest };
}

/** As the decider does: what is decided is recorded, and what is recorded is taken in. */
function change(state: StandingLimits, input: LimitsInput, open: readonly string[] = [PLAN]) {
  const { event, reply } = changeLimits(state, input, (planId) => open.includes(planId));
  if (event) evolveLimits(state, event, T);
  return { event, reply };
}

function values(state: StandingLimits): Record<string, number> {
  return Object.fromEntries([...state.changed].map(([key, { value }]) => [key, value]));
}

describe('limits of the fleet', () => {
  it('are recorded with who and why, and found again by whoever reads the record', () => {
    const state = initialLimits();
    const limits = { fleet: 100, 'tenant:acme': 20, 'repository:https://x.org:8443/r.git': 2 };
    const { event, reply } = change(state, asked(limits));
    expect(event).toEqual({ type: 'limits.changed', data: { by, why: 'a deploy', limits } });
    expect(reply).toEqual({ status: 'applied', seq: 1, changed: true });
    const read = initialLimits();
    evolveLimits(read, event!, T);
    expect(read).toEqual(state);
    expect(read.changed.get('tenant:acme')).toEqual({ value: 20, by, why: 'a deploy', at: T });
  });

  it('are those of the settings again when they are taken back', () => {
    const state = initialLimits();
    change(state, asked({ 'pool:heavy': 4, fleet: 9 }));
    expect(change(state, asked({ 'pool:heavy': null })).reply).toMatchObject({ status: 'applied', seq: 2 });
    expect(values(state)).toEqual({ fleet: 9 });
  });

  it('are not recorded again when they stand already, whoever looked at them when', () => {
    const state = initialLimits();
    change(state, asked({ fleet: 9 }));
    const again = change(state, asked({ fleet: 9, 'lock:db': null }, { expectedSeq: 0 }));
    expect(again).toEqual({ event: null, reply: { status: 'applied', seq: 1, changed: false } });
  });

  it('are left alone by somebody who looked at others', () => {
    const state = initialLimits();
    change(state, asked({ fleet: 9 }));
    const late = change(state, asked({ fleet: 8 }, { expectedSeq: 0 }));
    expect(late.reply).toMatchObject({ status: 'refused', code: 'seq-stale', actualSeq: 1 });
    expect(values(state)).toEqual({ fleet: 9 });
    expect(change(state, asked({ fleet: 8 }, { expectedSeq: 1 })).reply).toMatchObject({ status: 'applied' });
  });

  it.each([
    [{ fleet: -1 }, '"fleet" must be a whole number from 0 to 1000000'],
    [{ fleet: 1.5 }, '"fleet" must be a whole number'],
    [{ fleet: Number.NaN }, '"fleet" must be a whole number'],
    [{ 'weight:acme': 0 }, '"weight:acme" must be a whole number from 1 to 1000'],
    [{ [`priority:${PLAN}`]: 11 }, 'must be a whole number from -10 to 10'],
    [{ 'fleet:x': 1 }, '"fleet:x" takes no name: it is fleet'],
    [{ tenant: 1 }, 'expected such as tenant:acme, or tenant:* for all that have none of their own'],
    [{ 'pool:Heavy': 1 }, '"pool:Heavy" names nothing: expected such as pool:heavy'],
    [{ 'pool:*': 1 }, '"pool:*" names nothing'],
    [{ 'weight:*': 1 }, '"weight:*" names nothing'],
    [{ 'tenants:acme': 1 }, 'is no limit: there are fleet, tenant:<name>, pool:<name>'],
    [{ 'repository:a\nb': 1 }, 'names nothing'],
    [{ 'repository:': 1 }, 'names nothing'],
    [{ 'repository:a b': 1 }, 'repository:<address>: a relative folder means nothing here'],
    [{ 'repository:https://ann:hunter2@h/r': 1 }, 'would stay in the ledger for ever'],
    [{ 'repository:https://hunter2@h/r': 1 }, 'would stay in the ledger for ever'],
    [{ 'repository:ssh://git:hunter2@h/r': -1 }, 'would stay in the ledger for ever'],
    [{ 'repository:https://ann:hunter2@h/r\n': 1 }, 'https://(hidden)@h/r'],
    [{ 'https://ann:hunter2@h/r': 1 }, 'https://(hidden)@h/r'],
    [{ 'repository:--upload-pack=x': 1 }, 'repository:<address>: a relative folder'],
    [{ 'repository:ext::sh -c id': 1 }, 'not an address that we let git use'],
    [{ 'repository:/r\ud800': 1 }, 'half of a character'],
    [{ [`repository:/${'r'.repeat(2_000)}`]: 1 }, 'longer than 2000 characters'],
    [{ '\u001b[2Jx': 1 }, '"?[2Jx" is no limit'],
    [{ constructor: 1 }, '"constructor" is no limit'],
  ])('%j are refused with the reason', (limits, reason) => {
    const state = initialLimits();
    const { event, reply } = change(state, asked({ 'tenant:acme': 1, ...limits }));
    expect(event).toBeNull();
    expect(reply).toMatchObject({ status: 'refused', code: 'limit-invalid' });
    expect((reply as { reason: string }).reason).toContain(reason);
    expect(JSON.stringify(reply)).not.toContain('hunter2');
    expect(state).toEqual(initialLimits());
  });

  it('may be of an address with spaces, as plans may, and what an older version took can be taken back', () => {
    const state = initialLimits();
    expect(change(state, asked({ 'repository:/srv/my repo': 2 })).reply).toMatchObject({ status: 'applied' });
    const caps = new Caps({ fleet: 9, pools: {} }, [['repository:/srv/my repo', 2]]);
    expect(caps.of('repository', '/srv/my repo')).toBe(2);
    const taken = { 'repository:https://ann:hunter2@h/r': 3 };
    evolveLimits(state, { type: 'limits.changed', data: { by, why: null, limits: taken } }, T);
    const back = asked({ 'repository:https://ann:hunter2@h/r': null });
    expect(change(state, back).reply).toMatchObject({ status: 'applied', changed: true });
    expect(values(state)).toEqual({ 'repository:/srv/my repo': 2 });
  });

  it('of a plan are for open ones, and go along with the next change when it has closed', () => {
    const state = initialLimits();
    const key = `plan:${PLAN}`;
    expect(change(state, asked({ [key]: 1 }), []).reply).toMatchObject({ code: 'plan-unknown' });
    change(state, asked({ [key]: 1, [`priority:${PLAN}`]: 2 }));
    change(state, asked({ fleet: 9 }));
    expect(values(state)).toEqual({ [key]: 1, [`priority:${PLAN}`]: 2, fleet: 9 });
    expect(change(state, asked({ fleet: 8 }), []).event!.data.limits).toEqual({
      [key]: null,
      [`priority:${PLAN}`]: null,
      fleet: 8,
    });
    expect(values(state)).toEqual({ fleet: 8 });
  });

  it('are bounded in number', () => {
    const state = initialLimits();
    const many = (from: number, to: number) =>
      Object.fromEntries(Array.from({ length: to - from }, (_, index) => [`tenant:t${from + index}`, 1]));
    expect(change(state, asked(many(0, LIMITS_CHANGED_MAX))).reply.status).toBe('applied');
    expect(change(state, asked({ 'tenant:one-more': 1 })).reply).toMatchObject({ code: 'limits-too-many' });
    expect(change(state, asked({ 'tenant:one-more': 1, 'tenant:t0': null })).reply.status).toBe('applied');
    expect(state.changed.size).toBe(LIMITS_CHANGED_MAX);
  });

  it('pass over what a newer version recorded', () => {
    const state = initialLimits();
    evolveLimits(state, { type: 'fleet.renamed', data: {} } as unknown as FleetEvent, T);
    evolveLimits(
      state,
      { type: 'limits.changed', data: { by, why: null, limits: { 'moon:x': 1, fleet: 3 } } },
      T,
    );
    expect(state.seq).toBe(2);
    const caps = new Caps(
      { fleet: 9, pools: {} },
      [...state.changed].map(([key, { value }]) => [key, value]),
    );
    expect(caps.of('fleet', null)).toBe(3);
  });

  it('have keys that say what they are of, and nothing else does', () => {
    const names = fc.string({ unit: 'grapheme', maxLength: 20 });
    fc.assert(
      fc.property(fc.constantFrom(...LIMIT_KINDS), names, (kind, name) => {
        const parsed = parseLimitKey(LIMIT_RULES[kind].name === null ? kind : limitKey(kind, name));
        if (parsed) expect(parsed).toEqual({ kind, name: LIMIT_RULES[kind].name === null ? null : name });
        else expect(limitProblem(limitKey(kind, name), 1)).toMatch(/names nothing|takes no name/);
      }),
    );
    expect(parseLimitKey(FLEET_STREAM)).toEqual({ kind: 'fleet', name: null });
  });
});

describe('what holds', () => {
  const settings = { fleet: 50, pools: { heavy: 2 }, tenants: { '*': 5, acme: 9 }, openSteps: 1_000 };

  it('is what was changed, else what the settings name, else what they say for all', () => {
    const caps = new Caps(settings, [
      ['tenant:beta', 7],
      ['pool:heavy', 3],
    ]);
    expect(caps.capOf('tenant', 'beta')).toEqual({ value: 7, from: 'changed' });
    expect(caps.capOf('tenant', 'acme')).toEqual({ value: 9, from: 'settings' });
    expect(caps.capOf('tenant', 'gamma')).toEqual({ value: 5, from: 'everyone' });
    expect([caps.of('pool', 'heavy'), caps.of('pool', 'default'), caps.of('lock', 'db')]).toEqual([
      3,
      null,
      null,
    ]);
    expect(caps.of('quota', 'acme')).toBe(1_000);
    expect(caps.with([]).of('pool', 'heavy')).toBe(2);
  });

  it('is no property that all objects have', () => {
    const caps = new Caps({ fleet: null, pools: {} });
    expect([caps.of('pool', 'constructor'), caps.of('tenant', 'toString')]).toEqual([null, null]);
  });
});
