/**
 * `npm run sim -- --seeds N [--from S] [--verbose]` plays N scenarios; `npm run sim -- --seed S` plays one again and tells
 * its story. What it is and what it cannot find: README.md beside this file. The last line is one JSON object.
 */
import { parseArgs } from 'node:util';
import { plant } from './planting/planting.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    /** Breaks the product on purpose, as planted-bugs.ts says, before any of it is loaded. */
    plant: { type: 'string' },
  },
});

if (values.plant !== undefined) plant(values.plant);
// Only now: what is planted must be there when the product is loaded.
const { playOne, playMany } = await import('./playing.ts');
const { verbose } = values;
const ok =
  values.seed === undefined
    ? await playMany({
        from: wholeNumber('--from', values.from),
        seeds: wholeNumber('--seeds', values.seeds ?? '1000'),
        verbose,
      })
    : await playOne(wholeNumber('--seed', values.seed), verbose);
process.exitCode = ok ? 0 : 1;

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  process.stderr.write(
    `sim: ${option} must be a whole number of at most 9 digits, not ${JSON.stringify(text)}\n`,
  );
  process.exit(2);
}
