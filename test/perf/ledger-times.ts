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
  /** From a step's passing to the passing of one that needed it to be admitted: a hop of a chain, in milliseconds. */
  msPerHop: Percentiles | null;
  ledgerEvents: number;
}

/** What the ledger says of how long things took. Its times have a resolution of one millisecond. */
export function summarize(plans: LedgerEvent[][]): LedgerSummary {
  const passed = plans.flatMap((events) => events.filter(({ type }) => type === 'step.passed').map(time));
  const first = Math.min(...plans.map((events) => time(events[0]!)));
  const last = passed.reduce((latest, at) => Math.max(latest, at), first);
  const hops = plans.length === 1 ? hopsOf(plans[0]!) : [];
  return {
    steps: passed.length,
    stepsPerSecond: Math.round((passed.length / Math.max(1, last - first)) * 1_000),
    msPerHop: hops.length > 0 ? percentiles(hops) : null,
    ledgerEvents: plans.reduce((sum, events) => sum + events.length, 0),
  };
}

/** Between the passings of consecutive steps: in a chain, one hop each. */
function hopsOf(events: LedgerEvent[]): number[] {
  const at = events.filter(({ type }) => type === 'step.passed').map(time);
  return at.slice(1).map((passedAt, index) => passedAt - at[index]!);
}

function percentiles(values: number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const of = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) };
}

function time(event: LedgerEvent): number {
  return Date.parse(event.at);
}
