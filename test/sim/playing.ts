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
  const story = failed && (await tell(failed.seed, failed.outcome, o.verbose));
  say(
    `\n${played} seeds, ${Math.round(virtualMs / 1_000)} virtual seconds, ${events} events in ${seconds.toFixed(1)} s: ${(played / seconds).toFixed(0)} seeds/s`,
  );
  print({
    seeds: played,
    from: o.from,
    failed: failed && { seed: failed.seed, promise: failed.outcome.violation?.promise, story },
    missing,
    seconds: round(seconds),
    cpuMsPerSeed: round((used.user + used.system) / 1_000 / played),
    virtualSeconds: Math.round(virtualMs / 1_000),
    events,
  });
  return !failed && missing.length === 0;
}

/** One seed, once more: the same run to the last byte, with its timeline. */
export async function playOne({ seed, verbose }: { seed: number; verbose: boolean }): Promise<boolean> {
  const scenario = generateScenario(seed);
  const outcome = await run(scenario);
  const story = await tell(seed, outcome, verbose);
  if (!story) say((await storyOf(scenario, verbose)).text);
  print({ seed, digest: outcome.digest, promise: outcome.violation?.promise ?? null, story });
  return outcome.violation === null;
}

/** What is left of a scenario when all has gone that its failure does not need. */
interface ShortStory {
  /** Which promise breaks in it. */
  promise: string | null;
  runs: number;
  lines: number;
  plans: number;
  steps: number;
  faults: number;
}

async function tell(seed: number, outcome: Outcome, verbose: boolean): Promise<ShortStory | null> {
  const { violation } = outcome;
  if (!violation) return null;
  say(`\nSEED ${seed}: ${violation.promise}\n${violation.message}\n`);
  const { scenario, runs } = await swiftly(() => shrink(generateScenario(seed), violation));
  say(`Shrunk in ${runs} runs. What is left of it:\n`);
  const { text, lines, promise } = await storyOf(scenario, verbose);
  say(text);
  say(`\nTo play it again: npm run sim -- --seed ${seed}`);
  const { plans, faults } = scenario;
  const steps = plans.reduce((sum, { definition }) => sum + definition.steps.length, 0);
  return { promise, runs, lines, plans: plans.length, steps, faults: faults.length };
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
