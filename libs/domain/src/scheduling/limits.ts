import type { Actor, Reason } from '../ledger/events.ts';
import { maskPasswords, repositoryProblem } from './repository-address.ts';

/** What can be limited, or given a weight. `fleet` has no name; the others go by `kind:name`. */
export const LIMIT_KINDS = [
  'fleet',
  'tenant',
  'pool',
  'plan',
  'repository',
  'lock',
  'quota',
  'weight',
  'priority',
] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** Stands for every tenant, or repository, that has no limit of its own. */
export const EVERYONE = '*';

/** The stream of what is recorded of the whole fleet. Shorter than any plan's id. */
export const FLEET_STREAM = 'fleet';

/** What is recorded of the fleet, and of no plan. */
export type FleetEvent = { type: 'limits.changed'; data: LimitsChanged };

export interface LimitsChanged {
  by: Actor;
  why: string | null;
  /** By `tenant:acme`; null: as the settings have it again. */
  limits: Record<string, number | null>;
}

export interface ChangedLimit {
  value: number;
  by: Actor;
  why: string | null;
  /** Wall clock (ms). */
  at: number;
}

/** The limits that were changed at run time, as the fleet's stream tells. */
export interface StandingLimits {
  seq: number;
  hash: string;
  changed: Map<string, ChangedLimit>;
}

export interface LimitsInput {
  by: Actor;
  why: string | null;
  limits: Record<string, number | null>;
  /** Nothing is done when something was changed since; null: whatever was. */
  expectedSeq: number | null;
}

export type LimitsReply =
  | { status: 'applied'; seq: number; changed: boolean }
  | { status: 'refused'; code: LimitsRefusal; reason: string; actualSeq?: number };
export type LimitsRefusal = 'limit-invalid' | 'limits-too-many' | 'plan-unknown' | 'seq-stale';

/** Limits that may be changed at once, and of each kind of name together. */
export const LIMITS_CHANGED_MAX = 1_000;

const COUNT = { from: 0, to: 1_000_000, what: 'steps in flight' };
const TENANT = { name: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, example: 'acme' };
const PLAN = { name: /^[a-z0-9]{8,64}$/, example: '3b6f0a2c9d1e4f5a6b7c' };

/** What makes sense of each kind. A cap of 0 admits nothing more. */
export const LIMIT_RULES: Record<
  LimitKind,
  { name: RegExp | null; example: string; everyone: boolean; from: number; to: number; what: string }
> = {
  fleet: { ...COUNT, name: null, example: '', everyone: false },
  tenant: { ...COUNT, ...TENANT, everyone: true },
  pool: { ...COUNT, name: /^[a-z0-9-]{1,32}$/, example: 'heavy', everyone: false },
  plan: { ...COUNT, ...PLAN, everyone: false },
  repository: {
    ...COUNT,
    // As plans may have it, spaces too: what else is wrong with an address is said by limitProblem.
    name: /^[^\p{Cc}]{1,2048}$/u,
    example: 'https://example.org/r.git',
    everyone: true,
  },
  lock: {
    ...COUNT,
    name: /^[a-z0-9][a-z0-9._/-]{0,63}$/,
    example: 'staging',
    everyone: false,
    what: 'holders at once',
  },
  quota: { ...TENANT, everyone: true, from: 0, to: 100_000_000, what: 'open steps' },
  weight: { ...TENANT, everyone: false, from: 1, to: 1_000, what: 'turns for one of a weight of 1' },
  priority: { ...PLAN, everyone: false, from: -10, to: 10, what: 'as in a plan text' },
};

/** `fleet`, or `kind:name`; null: it is neither. */
export function parseLimitKey(key: string): { kind: LimitKind; name: string | null } | null {
  const colon = key.indexOf(':');
  const word = colon === -1 ? key : key.slice(0, colon);
  const kind = LIMIT_KINDS.find((one) => one === word);
  if (!kind) return null;
  const { name: pattern, everyone } = LIMIT_RULES[kind];
  if (pattern === null) return colon === -1 ? { kind, name: null } : null;
  if (colon === -1) return null;
  const name = key.slice(colon + 1);
  return pattern.test(name) || (everyone && name === EVERYONE) ? { kind, name } : null;
}

export function limitKey(kind: LimitKind, name: string | null): string {
  return name === null ? kind : `${kind}:${name}`;
}

/** What is wrong with one limit, and what to do instead; null: nothing. `null` as value takes it back. */
export function limitProblem(key: string, value: number | null): string | null {
  const parsed = parseLimitKey(key);
  if (!parsed) return keyProblem(key);
  // What was taken by an older version can be taken back, whatever it is.
  if (value === null) return null;
  const { kind, name } = parsed;
  const wrong = kind === 'repository' && name !== EVERYONE ? repositoryProblem(name!) : null;
  // Without the address: it may hold a password.
  if (wrong !== null) return `repository:<address>: ${wrong}`;
  const { from, to, what } = LIMIT_RULES[kind];
  if (Number.isSafeInteger(value) && value >= from && value <= to) return null;
  return `${shown(key)} must be a whole number from ${from} to ${to} (${what}), or null for what the settings say`;
}

function keyProblem(key: string): string {
  const kind = LIMIT_KINDS.find((one) => one === key.split(':', 1)[0]);
  if (!kind) {
    const kinds = LIMIT_KINDS.map((one) => limitKey(one, LIMIT_RULES[one].name === null ? null : '<name>'));
    return `${shown(key)} is no limit: there are ${kinds.join(', ')}`;
  }
  const { name, example, everyone } = LIMIT_RULES[kind];
  if (name === null) return `${shown(key)} takes no name: it is ${kind}`;
  const all = everyone ? `, or ${kind}:${EVERYONE} for all that have none of their own` : '';
  return `${shown(key)} names nothing: expected such as ${limitKey(kind, example)}${all}`;
}

function shown(text: string): string {
  const masked = maskPasswords(text);
  const cut = masked.length > 100 ? `${masked.slice(0, 100)}...` : masked;
  return JSON.stringify(cut.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?'));
}

export function initialLimits(): StandingLimits {
  return { seq: 0, hash: '0'.repeat(64), changed: new Map() };
}

/** Takes in the next event of the fleet's stream. What a newer version recorded there is passed over. */
export function evolveLimits(state: StandingLimits, event: FleetEvent, at: number): void {
  state.seq += 1;
  if (event.type !== 'limits.changed') return;
  const { by, why, limits } = event.data;
  for (const [key, value] of Object.entries(limits)) {
    if (value === null) state.changed.delete(key);
    else state.changed.set(key, { value, by, why, at });
  }
}

/**
 * What is recorded when somebody changes limits: all of it or nothing. What stands already is not recorded again, so
 * saying a thing twice does no harm. What was set for plans that are over goes along.
 * `isOpen`: whether there is such a plan, and it is not closed.
 */
export function changeLimits(
  state: StandingLimits,
  { by, why, limits, expectedSeq }: LimitsInput,
  isOpen: (planId: string) => boolean,
): { event: FleetEvent | null; reply: LimitsReply } {
  const problem = firstProblem(limits);
  if (problem) return { event: null, reply: refused(problem) };
  const news = Object.entries(limits).filter(
    ([key, value]) => (state.changed.get(key)?.value ?? null) !== value,
  );
  const { seq } = state;
  if (news.length === 0) return { event: null, reply: { status: 'applied', seq, changed: false } };
  if (expectedSeq !== null && expectedSeq !== seq) {
    const reason = `the limits have changed since (seq ${expectedSeq}, now ${seq}): look at them again`;
    return { event: null, reply: { status: 'refused', code: 'seq-stale', reason, actualSeq: seq } };
  }
  const unknown = news.find(([key, value]) => value !== null && isOver(key, isOpen));
  if (unknown) {
    const message = `${unknown[0]}: there is no open plan of this id`;
    return { event: null, reply: refused({ code: 'plan-unknown', message }) };
  }
  const over = [...state.changed.keys()].filter((key) => isOver(key, isOpen));
  const recorded = { ...Object.fromEntries(over.map((key) => [key, null])), ...Object.fromEntries(news) };
  const added = news.filter(([key, value]) => value !== null && !state.changed.has(key)).length;
  const removed = Object.entries(recorded).filter(([key, v]) => v === null && state.changed.has(key)).length;
  if (state.changed.size + added - removed > LIMITS_CHANGED_MAX) {
    const message = `more than ${LIMITS_CHANGED_MAX} limits would be changed at run time: take some back, or put them into the settings`;
    return { event: null, reply: refused({ code: 'limits-too-many', message }) };
  }
  const event: FleetEvent = { type: 'limits.changed', data: { by, why, limits: recorded } };
  return { event, reply: { status: 'applied', seq: seq + 1, changed: true } };
}

function firstProblem(limits: Record<string, number | null>): Reason | null {
  for (const [key, value] of Object.entries(limits)) {
    const message = limitProblem(key, value);
    if (message !== null) return { code: 'limit-invalid', message };
  }
  return null;
}

/** Of a plan that is closed, or was never there. */
function isOver(key: string, isOpen: (planId: string) => boolean): boolean {
  const parsed = parseLimitKey(key);
  if (!parsed || (parsed.kind !== 'plan' && parsed.kind !== 'priority')) return false;
  return !isOpen(parsed.name!);
}

function refused({ code, message }: Reason): LimitsReply {
  return { status: 'refused', code: code as LimitsRefusal, reason: message };
}
