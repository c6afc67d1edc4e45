import { EVERYONE, limitKey, parseLimitKey, type LimitKind } from './limits.ts';

/** Limits that span plans, from the fleet's settings. What is not named has no limit of its own. */
export interface FleetCaps {
  fleet: number | null;
  pools: Readonly<Record<string, number>>;
  /** `*`: every tenant that is not named. */
  tenants?: Readonly<Record<string, number>>;
  /** By address, as plans have it. `*`: every repository that is not named. */
  repositories?: Readonly<Record<string, number>>;
  /** Locks of tenants, by name: how many steps may hold one at once. Default 1. */
  locks?: Readonly<Record<string, number>>;
  /** Turns of tenants within a pool, for one of a tenant that is not named. */
  weights?: Readonly<Record<string, number>>;
  /** Steps of all its open plans that a tenant may have; a plan that would be too much is not taken. */
  openSteps?: number;
}

export interface Cap {
  value: number;
  /** `everyone`: what `*` says. */
  from: 'settings' | 'changed' | 'everyone';
}

/** What holds now: the settings, and over them what was changed at run time. */
export class Caps {
  private readonly byKind = new Map<LimitKind, Map<string, Cap>>();

  constructor(
    private readonly settings: FleetCaps,
    changed: Iterable<readonly [key: string, value: number]> = [],
  ) {
    for (const [key, value] of settingsOf(settings)) this.set(key, { value, from: 'settings' });
    // What a newer version knows, and this one does not, has no effect here.
    for (const [key, value] of changed) this.set(key, { value, from: 'changed' });
  }

  /** null: no limit. */
  of(kind: LimitKind, name: string | null): number | null {
    return this.capOf(kind, name)?.value ?? null;
  }

  capOf(kind: LimitKind, name: string | null): Cap | null {
    const caps = this.byKind.get(kind);
    if (!caps) return null;
    const own = caps.get(name ?? '');
    if (own) return own;
    const everyone = caps.get(EVERYONE);
    return everyone ? { value: everyone.value, from: 'everyone' } : null;
  }

  /** By key, all that were set; what follows from `*` is not among them. */
  *all(): Generator<[kind: LimitKind, name: string | null, cap: Cap]> {
    for (const [kind, caps] of this.byKind)
      for (const [name, cap] of caps) yield [kind, name === '' ? null : name, cap];
  }

  with(changed: Iterable<readonly [key: string, value: number]>): Caps {
    return new Caps(this.settings, changed);
  }

  private set(key: string, cap: Cap): void {
    const parsed = parseLimitKey(key);
    if (!parsed) return;
    const caps = this.byKind.get(parsed.kind) ?? new Map<string, Cap>();
    this.byKind.set(parsed.kind, caps.set(parsed.name ?? '', cap));
  }
}

function* settingsOf(caps: FleetCaps): Generator<[key: string, value: number]> {
  if (caps.fleet !== null) yield ['fleet', caps.fleet];
  if (caps.openSteps !== undefined) yield [limitKey('quota', EVERYONE), caps.openSteps];
  const { pools, tenants = {}, repositories = {}, locks = {}, weights = {} } = caps;
  const named = { pool: pools, tenant: tenants, repository: repositories, lock: locks, weight: weights };
  for (const [kind, values] of Object.entries(named))
    for (const [name, value] of Object.entries(values)) yield [limitKey(kind as LimitKind, name), value];
}
