/**
 * `npm run bench -- <workload> [--size N] [--slots 64] [--json]`: the real stack (embedded Postgres with fsync on,
 * nats-server with file storage, coordinator and worker as processes of their own), driven through REST. The last line
 * is one JSON object. Times come from the ledger, so nothing is measured that the ledger does not know.
 */
import { parseArgs } from 'node:util';
import { cpus, totalmem } from 'node:os';
import { BenchStack } from './bench-stack.ts';
import { summarize, type LedgerEvent } from './ledger-times.ts';
import { workloads, type Workload } from './workloads.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string' },
    slots: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
  },
});

const name = positionals[0] ?? '';
const workload = workloads[name];
if (!workload) {
  process.stderr.write(
    `bench: unknown workload ${JSON.stringify(name)}; one of ${Object.keys(workloads).join(', ')}\n`,
  );
  process.exit(1);
}
const size = wholeNumber('--size', values.size ?? String(workload.defaultSize));
const slots = wholeNumber('--slots', values.slots);
await bench(name, workload, size, slots);

async function bench(name: string, workload: Workload, size: number, slots: number): Promise<void> {
  const say = (line: string): void => void (values.json || process.stderr.write(`${line}\n`));
  say(`starting the stack with ${slots} slots ...`);
  const stack = await BenchStack.up(slots);
  const interrupted = (): void => void stack.down().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    // Just-in-time compilation, prepared statements, connections: not what is measured.
    await stack.run(workloads['wide']!.plans(200));
    say(`${name} with size ${size} ...`);
    const before = await stack.usage();
    const startedAt = performance.now();
    const planIds = await stack.run(workload.plans(size));
    const seconds = (performance.now() - startedAt) / 1_000;
    const after = await stack.usage();
    const events: LedgerEvent[][] = [];
    for (const planId of planIds) events.push(await stack.ledger(planId));
    const result = {
      workload: name,
      size,
      slots,
      seconds: round(seconds),
      ...summarize(events),
      cpuSeconds: Object.fromEntries(
        Object.entries(after).map(([process, used]) => [
          process,
          round(used.cpuS - (before[process]?.cpuS ?? 0)),
        ]),
      ),
      peakRssMb: Object.fromEntries(
        Object.entries(after).map(([process, used]) => [process, used.peakRssMb]),
      ),
      machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } finally {
    await stack.down();
  }
}

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  process.stderr.write(
    `bench: ${option} must be a whole number from 1 to 9999999, not ${JSON.stringify(text)}\n`,
  );
  process.exit(1);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
