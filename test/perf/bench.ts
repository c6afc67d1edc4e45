/**
 * `npm run bench -- <workload> [--size N] [--slots N] [--seconds 60] [--json]`: the real stack (Postgres with fsync on, nats-server with
 * file storage, coordinator and worker, each a process of its own), driven through REST. The last line is one JSON
 * object. Times come from the ledger, so nothing is measured that the ledger does not know. See docs/performance.md.
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { BenchStack } from './bench-stack.ts';
import { workloads } from './workloads/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string' },
    slots: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});

const name = positionals[0] ?? '';
const workload = Object.hasOwn(workloads, name) ? workloads[name] : undefined;
if (!workload) {
  const known = Object.entries(workloads).map(([one, { meaning }]) => `  ${one}: ${meaning}`);
  process.stderr.write(`bench: unknown workload ${JSON.stringify(name)}; there are\n${known.join('\n')}\n`);
  process.exit(1);
}
const size = wholeNumber('--size', values.size ?? String(workload.defaultSize));
const slots = wholeNumber('--slots', values.slots ?? String(workload.defaultSlots));
const windowS = wholeNumber('--seconds', values.seconds);
const say = (line: string): void => void (values.json || process.stderr.write(`${line}\n`));

say('starting the servers ...');
const stack = await BenchStack.open();
const interrupted = (): void => void stack.down().finally(() => process.exit(130));
process.once('SIGINT', interrupted);
process.once('SIGTERM', interrupted);
try {
  say(`${name} with size ${size} and ${slots} slots ...`);
  const figures = await workload.run({ stack, size, slots, windowS, say });
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB`;
  process.stdout.write(`${JSON.stringify({ workload: name, size, slots, ...figures, machine })}\n`);
} finally {
  await stack.down();
}

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  process.stderr.write(
    `bench: ${option} must be a whole number from 1 to 9999999, not ${JSON.stringify(text)}\n`,
  );
  process.exit(1);
}
