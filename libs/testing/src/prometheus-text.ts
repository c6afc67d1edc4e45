/** One line of a scrape. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** A scrape, opened up: every line must be what Prometheus would take, else this throws. */
export class Scrape {
  private constructor(
    readonly samples: Sample[],
    /** Type by metric, as declared in the text. */
    readonly types: ReadonlyMap<string, string>,
  ) {}

  static parse(text: string): Scrape {
    const samples: Sample[] = [];
    const types = new Map<string, string>();
    if (!text.endsWith('\n')) throw new Error('a scrape must end with a line break');
    for (const line of text.slice(0, -1).split('\n')) {
      const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
      if (type) {
        if (types.has(type[1]!)) throw new Error(`${type[1]} is declared twice`);
        types.set(type[1]!, type[2]!);
      } else if (line !== '' && !line.startsWith('# ')) samples.push(sampleOf(line));
    }
    return new Scrape(samples, types);
  }

  /** Of all series of this name with (at least) these labels, added up; null: there is none. */
  sum(name: string, labels: Record<string, string> = {}): number | null {
    const matching = this.all(name, labels);
    return matching.length === 0 ? null : matching.reduce((sum, { value }) => sum + value, 0);
  }

  all(name: string, labels: Record<string, string> = {}): Sample[] {
    return this.samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  }
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

function sampleOf(line: string): Sample {
  const match = SAMPLE.exec(line);
  if (!match) throw new Error(`not a line of a scrape: ${line}`);
  const labels: Record<string, string> = {};
  const text = match[2] ?? '';
  for (LABEL.lastIndex = 0; LABEL.lastIndex < text.length;) {
    const label = LABEL.exec(text);
    if (!label) throw new Error(`labels that cannot be read: ${line}`);
    labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
  }
  return { name: match[1]!, labels, value: Number(match[3]!.replace('Inf', 'Infinity')) };
}
