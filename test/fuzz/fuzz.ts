/**
 * `npm run fuzz -- --requests N [--seed S]`: requests made from the coordinator's own OpenAPI document, good, almost good
 * and hostile ones, against the built programs. `--show N` prints request N of the seed instead. What is promised:
 * README.md beside this file. The last line is one JSON object; the exit code is 1 when a promise was broken.
 */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzzing.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '20261121' },
    connections: { type: 'string', default: '8' },
    show: { type: 'string' },
  },
});

const result = await fuzz({
  requests: wholeNumber('--requests', values.requests),
  seed: values.seed,
  connections: wholeNumber('--connections', values.connections),
  show: values.show === undefined ? null : wholeNumber('--show', values.show),
  say: (line) => void process.stderr.write(`${line}\n`),
});
if (result) process.stdout.write(`${JSON.stringify(result)}\n`);
process.exitCode = result && result.failed > 0 ? 1 : 0;

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  process.stderr.write(`fuzz: ${option} must be a whole number, 1 or more, not ${JSON.stringify(text)}\n`);
  process.exit(2);
}
