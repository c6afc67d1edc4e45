import type { Fleet } from './fleet.ts';

const LOOK_EVERY_MS = 1_000;
const ANSWER_MS_MAX = 900;

/** Reads the coordinators' metrics all the time: who decides, and what the sweeper had to repair. */
export class FleetWatch {
  /** The last coordinator that was seen deciding. */
  decider = 0;
  /** By coordinator, life and kind: counters begin anew with each process. */
  private readonly repairs = new Map<string, number>();
  private readonly terms = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;
  private readonly fleet: Fleet;

  constructor(fleet: Fleet) {
    this.fleet = fleet;
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  /** What was counted until a process was killed after the last look is lost: this is a lower bound. */
  repairsByKind(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const [key, count] of this.repairs) {
      const kind = key.split(' ')[2]!;
      sums[kind] = (sums[kind] ?? 0) + count;
    }
    return sums;
  }

  termsBegun(): number {
    return [...this.terms.values()].reduce((sum, count) => sum + count, 0);
  }

  async look(): Promise<void> {
    await Promise.all(this.fleet.urls.map((url, index) => this.read(url, index)));
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async read(url: string, index: number): Promise<void> {
    const process = `${index} ${this.fleet.coordinators[index]!.life}`;
    const text = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) }).then(
      (response) => response.text(),
      () => '',
    );
    if (/^skein_decider_active(\{[^}]*\})? 1$/m.test(text)) this.decider = index;
    for (const [, kind, count] of text.matchAll(
      /^skein_sweeper_repairs_total\{.*?kind="([^"]+)".*?\} (\d+)/gm,
    ))
      this.repairs.set(`${process} ${kind}`, Number(count));
    const terms = /^skein_decider_terms_begun_total(?:\{[^}]*\})? (\d+)/m.exec(text);
    if (terms) this.terms.set(process, Number(terms[1]));
  }
}
