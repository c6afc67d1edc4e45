import { parseArgs } from 'node:util';

export type Options = { verbose: boolean; plant: string | null } & (
  { kind: 'one'; seed: number } | { kind: 'many'; from: number; seeds: number }
);

/** What was asked for cannot be done. The message says what to write instead. */
export class OptionsError extends Error {
  readonly code = 'sim-options';
}

const USAGE =
  'npm run sim -- [--seeds N] [--from S] [--verbose] [--plant <bug>], or npm run sim -- --seed S [--verbose] [--plant <bug>]';

/** Throws OptionsError. */
export function readOptions(args: string[]): Options {
  const { seed, seeds, from, plant = null, verbose } = parse(args);
  if (seed !== undefined && (seeds !== undefined || from !== undefined))
    throw new OptionsError(`--seed plays one seed, --seeds and --from play many: ${USAGE}`);
  if (seed !== undefined) return { kind: 'one', seed: wholeNumber('--seed', seed), verbose, plant };
  const many = { from: wholeNumber('--from', from ?? '1'), seeds: wholeNumber('--seeds', seeds ?? '1000') };
  if (many.seeds === 0) throw new OptionsError('--seeds must be at least 1');
  return { kind: 'many', ...many, verbose, plant };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        seeds: { type: 'string' },
        from: { type: 'string' },
        seed: { type: 'string' },
        verbose: { type: 'boolean', default: false },
        /** Breaks the product on purpose, as planted-bugs.ts says, before any of it is loaded. */
        plant: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new OptionsError(`${error instanceof Error ? error.message : String(error)}. Usage: ${USAGE}`);
  }
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new OptionsError(
    `${option} must be a whole number of at most 9 digits, not ${JSON.stringify(text.slice(0, 40))}`,
  );
}
