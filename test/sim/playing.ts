import { generateScenario } from './plans/scenario.ts';
import { Coverage } from './reporting/coverage.ts';
import { coverageLines, storyOf } from './reporting/story.ts';
import { run, type Outcome } from './run.ts';
import { shrink } from './shrinking/shrink.ts';

/** From here on a run is big: it must have seen everything that there is to see. */
const BIG = 3_000;
/** A tenth of a second for progress is plenty; a terminal is not needed. */
const SAY_EVERY = 5_000;

/** True: no promise was broken. Ends at the first that is, with its story. */
export async function playMany(o: { from: number; seeds: number; verbose: boolean }): Promise<boolean> {
  const coverage = new Coverage();
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  let virtualMs = 0;
  let events = 0;
  let played = 0;
  let failed: { seed: number; outcome: Outcome } | null = null;
  for (let seed = o.from; seed < o.from + o.seeds && !failed; seed += 1) {
    const outcome = await swiftly(() => run(generateScenario(seed)));
    coverage.add(outcome.coverage);
    virtualMs += outcome.virtualMs;
    events += outcome.events;
    played += 1;
    if (outcome.violation) failed = { seed, outcome };
    if (o.verbose) say(`seed ${seed}: ${outcome.digest}`);
    else if (played % SAY_EVERY === 0) say(`${played} of ${o.seeds} seeds`);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const used = process.cpuUsage(cpu);
  for (const line of coverageLines(coverage)) say(line);
  const missing = o.seeds >= BIG && !failed ? coverage.missing : [];
  if (missing.length > 0) say(`\nNEVER SEEN: ${missing.join(', ')}`);
  if (failed) await tell(failed.seed, failed.outcome, o.verbose);
  say(
    `\n${played} seeds, ${Math.round(virtualMs / 1_000)} virtual seconds, ${events} events in ${seconds.toFixed(1)} s: ${(played / seconds).toFixed(0)} seeds/s`,
  );
  print({
    seeds: played,
    from: o.from,
    failed: failed ? { seed: failed.seed, promise: failed.outcome.violation?.promise } : null,
    missing,
    seconds: round(seconds),
    cpuMsPerSeed: round((used.user + used.system) / 1_000 / played),
    virtualSeconds: Math.round(virtualMs / 1_000),
    events,
  });
  return !failed && missing.length === 0;
}

/** One seed, once more: the same run to the last byte, with its timeline. */
export async function playOne(seed: number, verbose: boolean): Promise<boolean> {
  const scenario = generateScenario(seed);
  const outcome = await run(scenario);
  if (outcome.violation) await tell(seed, outcome, verbose);
  else say(await storyOf(scenario, null, verbose));
  print({ seed, digest: outcome.digest, promise: outcome.violation?.promise ?? null });
  return outcome.violation === null;
}

async function tell(seed: number, outcome: Outcome, verbose: boolean): Promise<void> {
  const { violation } = outcome;
  if (!violation) return;
  say(`\nSEED ${seed}: ${violation.promise}\n${violation.message}\n`);
  const { scenario, violation: same, runs } = await shrink(generateScenario(seed), violation);
  say(`Shrunk in ${runs} runs. What is left of it:\n`);
  say(await storyOf(scenario, same, verbose));
  say(`\nTo play it again: npm run sim -- --seed ${seed}`);
}

/** Thousands of errors are made and caught; nobody reads where. */
async function swiftly<T>(work: () => Promise<T>): Promise<T> {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = before;
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function print(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
