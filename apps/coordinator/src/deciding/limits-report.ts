import { limitKey, toIso, type ChangedLimit, type Fleet, type LimitInUse } from '#domain';

/** How the fleet's limits stand, for people. */
export interface LimitsReport {
  /** Of the newest event of the fleet's stream. */
  seq: number;
  limits: ReportedLimit[];
  /** Some are left out, those in use without a limit of their own first. */
  cut: boolean;
}

export interface ReportedLimit {
  /** `tenant:acme`: what it is changed by. */
  key: string;
  kind: LimitInUse['kind'];
  name: string | null;
  /** null: no limit. */
  value: number | null;
  from: LimitInUse['from'];
  inUse: number | null;
  /** Of what was changed at run time: by whom, why, when (ISO 8601). */
  changed: { by: { name: string; via: string }; why: string | null; at: string } | null;
}

/** A standby asks for it over NATS, which takes 1 MB by default. Of JSON; names and reasons may be long. */
const REPORTED_BYTES_MAX = 700_000;

export function limitsReport({
  fleet,
  limits,
}: {
  fleet: Pick<Fleet, 'limits'>;
  limits: { readonly seq: number; changed(key: string): ChangedLimit | null };
}): LimitsReport {
  const reported: ReportedLimit[] = [];
  let bytes = 0;
  let cut = false;
  for (const { kind, name, value, from, inUse } of fleet.limits()) {
    const key = limitKey(kind, name);
    const changed = from === 'changed' ? limits.changed(key) : null;
    const limit = { key, kind, name, value, from, inUse, changed: changed && told(changed) };
    bytes += Buffer.byteLength(JSON.stringify(limit)) + 1;
    if (bytes > REPORTED_BYTES_MAX) {
      cut = true;
      break;
    }
    reported.push(limit);
  }
  return { seq: limits.seq, limits: reported.sort(byKey), cut };
}

function told({ by, why, at }: ChangedLimit): NonNullable<ReportedLimit['changed']> {
  return { by, why, at: toIso(at) };
}

function byKey(a: ReportedLimit, b: ReportedLimit): number {
  return a.key < b.key ? -1 : Number(a.key > b.key);
}
