/**
 * `npm run chaos -- [--minutes M] [--seed S]`: the built programs under load, with faults of every kind from one seed.
 * The last line is one JSON object. Exit codes: 0, every promise held; 1, one did not, or chaos could not run.
 */
import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { RunRegistry } from '#servers';
import { silentLogger as log } from '#telemetry';
import { makeLogFolder } from './reporting/log-folder.ts';
import { printReport } from './reporting/report.ts';
import { runChaos } from './run-chaos.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const minutes = readNumber('--minutes', values.minutes, /^\d{1,3}(\.\d{1,2})?$/);
const seed = readNumber('--seed', values.seed ?? String(Math.floor(Math.random() * 1_000_000)), /^\d{1,9}$/);
// What was interrupted may still be waiting for an answer that does not come.
process.exit(await main());

async function main(): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  await using run = await new RunRegistry({ log }).begin({ kind: 'chaos' });
  const logDir = await makeLogFolder(seed);
  say(`chaos for ${minutes} minutes with seed ${seed}; logs are in ${logDir}`);
  const report = await runChaos({ seed, minutes, run, logDir, say, signal: interrupted.signal });
  if (report === null) {
    // Whoever interrupts it asks for nothing.
    await rm(logDir, { recursive: true, force: true });
    return 1;
  }
  process.stdout.write(printReport(report));
  if (report.violations.length > 0) {
    say(`a promise was broken. Again: npm run chaos -- --minutes ${minutes} --seed ${seed}. Logs: ${logDir}`);
    return 1;
  }
  await rm(logDir, { recursive: true, force: true });
  return 0;
}

function readNumber(option: string, text: string, pattern: RegExp): number {
  if (pattern.test(text) && Number(text) > 0) return Number(text);
  process.stderr.write(
    `chaos: ${option} must be a number above 0, such as 10, not ${JSON.stringify(text)}\n`,
  );
  process.exit(1);
}
