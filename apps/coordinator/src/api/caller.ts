import { show } from '#contracts';
import type { Actor } from '#domain';
import { parseTraceparent } from '#telemetry';
import { Problem } from './problem.ts';

/** Whose a plan is when nobody says so. */
const TENANT = 'local';

/** Whom a plan is for: until there are logins, whom its submission names, of those that the settings allow. */
export function tenantOf(given: string | undefined, allowed: readonly string[]): string {
  const tenant = given ?? TENANT;
  if (allowed.includes(tenant) || allowed.includes('*')) return tenant;
  const detail = `tenant: plans of ${show(tenant)} are not taken; there are ${allowed.join(', ')} (SKEIN_TENANTS of the coordinator)`;
  throw new Problem(422, 'tenant-unknown', detail);
}

/** What a client sends may be anything. */
export function parentOf(raw: string | undefined): string | null {
  return parseTraceparent(raw) ? raw! : null;
}

/** Who is recorded as having asked. */
export function actorOf(raw: string | undefined): Actor {
  const name = (raw ?? '')
    .replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, 100);
  return { name: name || 'unknown', via: 'rest' };
}
