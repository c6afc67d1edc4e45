import { type Capped, type LabelValues, OTHER } from './declaration.ts';

/** The labels of one series, as they are exported. One object for each series, however often it is recorded. */
export type Series = Readonly<Record<string, string>>;

/**
 * Keeps the labels of one metric within their declared values, whatever comes: a value that is on no list, or past the
 * cap, is exported as `other`.
 */
export class LabelClamp {
  private readonly names: readonly string[];
  private readonly clamps: ((value: string) => string)[];
  private readonly known = new Map<string, Series>();

  constructor(labels: Readonly<Record<string, LabelValues>>) {
    this.names = Object.keys(labels);
    this.clamps = Object.values(labels).map((values) =>
      'first' in values ? capped(values) : listed(values),
    );
  }

  seriesOf(labels: Series): Series {
    let key = '';
    for (let at = 0; at < this.names.length; at += 1) {
      // Undefined is impossible by type; what is not typed must not make a series either.
      key += `${this.clamps[at]!(labels[this.names[at]!] ?? OTHER)}\n`;
    }
    let series = this.known.get(key);
    if (!series) {
      const values = key.split('\n');
      series = Object.freeze(Object.fromEntries(this.names.map((name, at) => [name, values[at]!])));
      this.known.set(key, series);
    }
    return series;
  }
}

function listed(values: readonly string[]): (value: string) => string {
  const allowed = new Set(values);
  return (value) => (allowed.has(value) ? value : OTHER);
}

/** First come, first kept, for the life of the process. */
function capped({ first }: Capped): (value: string) => string {
  const kept = new Set<string>();
  return (raw) => {
    const value = raw.replaceAll('\n', ' ').slice(0, VALUE_LENGTH_MAX);
    if (kept.has(value)) return value;
    if (kept.size >= first || value === '') return OTHER;
    kept.add(value);
    return value;
  };
}

const VALUE_LENGTH_MAX = 128;

/** Every combination of closed lists; null when a label is not closed, or there are more than `most`. */
export function allSeries(labels: Readonly<Record<string, LabelValues>>, most: number): Series[] | null {
  let series: Record<string, string>[] = [{}];
  for (const [name, values] of Object.entries(labels)) {
    if ('first' in values) return null;
    series = series.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
    if (series.length > most) return null;
  }
  return series;
}
