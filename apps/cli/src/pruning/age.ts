import { InvalidArgumentError } from 'commander';

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** `30d`, `12h`, `90m`, `2w` in milliseconds. */
export function parseAge(text: string): number {
  const match = /^(\d{1,5})([mhdw])$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected an age such as 30d, 12h, 90m or 2w');
  return Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS];
}
