import type { FleetCaps, LimitsChanged } from '#domain';

const NO_CAPS: Record<string, number> = {};

/** Which limits hold, by the fleet's settings and by what its own stream says. */
export class LimitsRecord {
  private readonly changed = new Map<string, number>();

  constructor(private readonly settings: FleetCaps) {}

  change({ limits }: LimitsChanged): void {
    for (const [key, value] of Object.entries(limits)) {
      if (value === null) this.changed.delete(key);
      else this.changed.set(key, value);
    }
  }

  get fleet(): number | null {
    return this.changed.get('fleet') ?? this.settings.fleet;
  }

  /** null: none. What is named goes before what holds for everyone. */
  of(kind: 'pool' | 'tenant' | 'repository' | 'lock' | 'plan', name: string): number | null {
    return this.named(kind, name) ?? this.named(kind, '*') ?? null;
  }

  private named(kind: string, name: string): number | undefined {
    const { pools, tenants, repositories, locks } = this.settings;
    const settings =
      { pool: pools, tenant: tenants, repository: repositories, lock: locks, plan: NO_CAPS }[kind] ?? NO_CAPS;
    return this.changed.get(`${kind}:${name}`) ?? settings[name];
  }
}
