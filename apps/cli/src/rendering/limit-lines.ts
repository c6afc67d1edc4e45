import type { LimitView } from '#client';
import { escapeText } from './escape.ts';
import type { Paint } from './terminal.ts';
import { pad } from './width.ts';

const KEY_COLUMNS_MAX = 48;

/** `tenant:acme   18 of 20   changed by ann: a deploy`, a line each. */
export function limitLines(limits: readonly LimitView[], paint: Paint): string[] {
  const keys = limits.map(({ key }) => escapeText(key));
  const columns = Math.min(KEY_COLUMNS_MAX, Math.max(0, ...keys.map((key) => key.length)));
  return limits.map((limit, index) => {
    // Numbers, from a server of ours; what another one puts there is text like any other.
    const used = escapeText(usedText(limit));
    const isFull = limit.value !== null && limit.inUse !== null && limit.inUse >= limit.value;
    const shown = isFull ? paint('yellow', pad(used, 14)) : pad(used, 14);
    return `${pad(keys[index]!, columns)}  ${shown} ${paint('dim', sourceText(limit))}`.trimEnd();
  });
}

/** `3  2026-11-21T01:00:00.000Z  ann: fleet=100, tenant:acme back to the settings (a deploy)` */
export function changeLine(event: { seq: number; at: string; type: string; data: object }): string {
  const { seq, at, type, data } = event;
  const head = `${escapeText(String(seq))}  ${escapeText(at)}  `;
  // A newer server may record what this program does not know.
  if (type !== 'limits.changed') return `${head}${escapeText(type)}`;
  const { by, why, limits } = data as {
    by: { name: string };
    why: string | null;
    limits: Record<string, number | null>;
  };
  const changes = Object.entries(limits).map(
    ([key, value]) =>
      `${escapeText(key)}${value === null ? ' back to the settings' : `=${escapeText(String(value))}`}`,
  );
  const reason = why === null ? '' : ` (${escapeText(why)})`;
  return `${head}${escapeText(by.name)}: ${changes.join(', ')}${reason}`;
}

function usedText({ kind, value, inUse }: LimitView): string {
  if (kind === 'weight' || kind === 'priority') return String(value);
  if (value === null) return `${inUse ?? 0}, no limit`;
  return inUse === null ? `at most ${value}` : `${inUse} of ${value}`;
}

function sourceText({ from, changed }: LimitView): string {
  if (changed)
    return `changed by ${escapeText(changed.by.name)}${changed.why === null ? '' : `: ${escapeText(changed.why)}`}`;
  return { settings: 'settings', changed: 'changed', everyone: 'as all that are not named', none: '' }[
    from ?? 'none'
  ];
}
