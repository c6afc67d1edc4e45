import type { Actor } from '#domain';
import { parseTraceparent } from '#telemetry';

/** Until there are logins, everything belongs to this tenant. */
export const TENANT = 'local';

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
