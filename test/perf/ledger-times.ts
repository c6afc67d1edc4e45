/** What the ledger says of how long things took. Its times have a resolution of one millisecond. */

export interface LedgerEvent {
  seq: number;
  at: string;
  type: string;
  data: Record<string, unknown>;
}

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

export interface LedgerSummary {
  steps: number;
  stepsPerSecond: number;
  /** From the passing of a step to the passing of the next, in milliseconds: in a chain, one hop each. */
  msPerHop: Percentiles | null;
  /** From a step's being ready to the first word of the worker that has it, in milliseconds. */
  admissionMs: Percentiles | null;
  ledgerEvents: number;
}

export function summarize(plans: LedgerEvent[][]): LedgerSummary {
  const passed = plans.flatMap((events) => events.filter(({ type }) => type === 'step.passed').map(time));
  const first = plans.reduce((earliest, events) => Math.min(earliest, time(events[0]!)), Infinity);
  const last = passed.reduce((latest, at) => Math.max(latest, at), first);
  return {
    steps: passed.length,
    stepsPerSecond: Math.round((passed.length / Math.max(1, last - first)) * 1_000),
    msPerHop: plans.length === 1 ? percentiles(hopsOf(plans[0]!)) : null,
    admissionMs: percentiles(plans.flatMap(admissionsOf)),
    ledgerEvents: plans.reduce((sum, events) => sum + events.length, 0),
  };
}

function hopsOf(events: LedgerEvent[]): number[] {
  const at = events.filter(({ type }) => type === 'step.passed').map(time);
  return at.slice(1).map((passedAt, index) => passedAt - at[index]!);
}

interface Definition {
  name: string;
  needs: string[];
}

interface Instance {
  ordinal: number;
  definition: number | null;
}

/**
 * A step that does nothing ends with its worker's first message, so that its running counts here, too. Steps of the
 * system are left out: what they wait for is not in the text.
 */
function admissionsOf(events: LedgerEvent[]): number[] {
  const expanded = events.find(({ type }) => type === 'plan.expanded');
  const submitted = events[0]?.data as { definition?: { steps: Definition[] } } | undefined;
  if (expanded === undefined || submitted?.definition === undefined) return [];
  const { steps: definitions } = submitted.definition;
  const definitionOf = new Map(
    (expanded.data['steps'] as Instance[]).map(({ ordinal, definition }) => [ordinal, definition]),
  );
  const passedAt = new Map<string, number>();
  const heardAt = new Map<number, number>();
  for (const event of events) {
    if (event.type !== 'lease.granted' && event.type !== 'step.passed') continue;
    const ordinal = event.data['ordinal'] as number;
    const definition = definitions[definitionOf.get(ordinal) ?? -1];
    if (definition === undefined) continue;
    if (!heardAt.has(ordinal)) heardAt.set(ordinal, time(event));
    if (event.type === 'step.passed')
      passedAt.set(definition.name, Math.max(passedAt.get(definition.name) ?? 0, time(event)));
  }
  return [...heardAt].map(([ordinal, at]) => {
    const { needs } = definitions[definitionOf.get(ordinal)!]!;
    return at - needs.reduce((latest, need) => Math.max(latest, passedAt.get(need) ?? 0), time(expanded));
  });
}

export function percentiles(values: number[]): Percentiles | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const of = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) };
}

export function time(event: LedgerEvent): number {
  return Date.parse(event.at);
}
