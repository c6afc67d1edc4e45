/**
 * `npm run sim -- --seeds N [--from S] [--verbose]` plays N scenarios; `npm run sim -- --seed S` plays one again and tells
 * its story. What it is and what it cannot find: README.md beside this file. The last line is one JSON object.
 */
import { OptionsError, readOptions, type Options } from './options.ts';
import { PlantingError, plant } from './planting/planting.ts';

const options = prepare();
if (options === null) process.exitCode = 2;
else {
  // Only now: what is planted must be there when the product is loaded.
  const { playOne, playMany } = await import('./playing.ts');
  const ok = options.kind === 'one' ? await playOne(options) : await playMany(options);
  process.exitCode = ok ? 0 : 1;
}

/** null: it was said what is wrong with what was asked for. */
function prepare(): Options | null {
  try {
    const read = readOptions(process.argv.slice(2));
    if (read.plant !== null) plant(read.plant);
    return read;
  } catch (error) {
    if (!(error instanceof OptionsError) && !(error instanceof PlantingError)) throw error;
    process.stderr.write(`sim: ${error.message}\n`);
    return null;
  }
}
