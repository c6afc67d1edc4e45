import type { Append, AppendResult } from '#ledger';
import type { Logger } from '#telemetry';
import type { Process } from '../core/process.ts';
import type { World } from '../core/world.ts';
import type { Fault } from '../faults/fault.ts';
import type { Answered } from '../fleet/user.ts';
import type { Parcel } from '../network/message.ts';

export interface Line {
  atMs: number;
  who: string;
  text: string;
  /** Of which plan; null: of all. */
  planId: string | null;
  /** 1: what happened to the plans; 2: messages; 3: logs, and what is asked of JetStream; 4: what goes on all the time. */
  depth: 1 | 2 | 3 | 4;
}

/** A run, written down for people. */
export class Timeline {
  readonly lines: Line[] = [];
  private readonly verbs = new Map<string, string>();

  fault(world: World, { kind, target, forMs, strength }: Fault): void {
    const whom = target === null ? '' : ` ${target}`;
    this.add(world, 'FAULT', `${kind}${whom} for ${forMs} ms (strength ${strength.toFixed(2)})`, null, 1);
  }

  committed(world: World, by: Process, term: number, appends: Append[], results: AppendResult[]): void {
    appends.forEach(({ planId, expected, events }, index) => {
      const conflict = results[index]?.status === 'conflict' ? ' CONFLICT' : '';
      events.forEach(({ type, data }, position) => {
        const seq = expected.seq + position + 1;
        this.add(
          world,
          `${by.name}/t${term}`,
          `#${seq} ${type} ${summary(data as Told)}${conflict}`,
          planId,
          1,
        );
      });
    });
  }

  sent(world: World, from: Process, { subject, text, reply }: Parcel): void {
    const short = subject.replace(/^sim\./, '');
    if (subject.startsWith('_R.')) {
      const verb = this.verbs.get(subject);
      const depth = isRoutine(verb ?? '') && text.includes('"lost":[]') ? 4 : 2;
      if (verb) this.add(world, from.name, `answers ${verb}: ${text.slice(0, 160)}`, planIn(verb), depth);
      return;
    }
    if (subject.startsWith('$JS.ACK')) return;
    if (subject.startsWith('sim.control.announce') || subject.startsWith('sim.control.who')) return;
    const what = `${short} ${leaseIn(text)}`;
    if (subject.startsWith('sim.decider.')) this.verbs.set(reply, what);
    const depth = isRoutine(short) ? 4 : subject.startsWith('$JS') ? 3 : 2;
    this.add(world, from.name, `sends ${what}`, planIn(what), depth);
  }

  answered(world: World, { planId, asked, ordinal, reply }: Answered): void {
    const step = ordinal === null ? '' : ` s${ordinal}`;
    this.add(world, 'user', `${asked}${step} -> ${JSON.stringify(reply)}`, planId, 1);
  }

  loggerOf(name: string, world: World): Logger {
    const write = (level: string) => (fields: object, message: string) => {
      const { planId = null } = fields as { planId?: string | null };
      this.add(world, name, `${level}: ${message} ${detail(fields)}`, planId, level === 'error' ? 1 : 3);
    };
    const logger: Logger = {
      debug: () => undefined,
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: () => logger,
    };
    return logger;
  }

  /** Of one plan and of all, or everything. */
  render(o: { depth: number; planId?: string | null }): string {
    return this.lines
      .filter(
        ({ depth, planId }) => depth <= o.depth && (!o.planId || planId === null || planId === o.planId),
      )
      .map(({ atMs, who, text, planId }) => {
        const of = planId === null ? '' : ` ${planId.replace(/^(.)...0+(?=\d)/, '$1')}`;
        return `${(atMs / 1_000).toFixed(3).padStart(9)} ${who.padEnd(8)}${of} ${text}`;
      })
      .join('\n');
  }

  private add(world: World, who: string, text: string, planId: string | null, depth: Line['depth']): void {
    this.lines.push({ atMs: world.nowMs, who, text, planId, depth });
  }
}

/** Nobody who reads a story wants to know of it. */
function isRoutine(subject: string): boolean {
  return /^decider\.\d+\.heartbeat|^\$JS\.API\.(CONSUMER\.(MSG\.NEXT|CREATE)|STREAM\.LIST)/.test(subject);
}

/** What events may hold, as far as people want to see it. */
interface Told {
  ordinal?: number;
  epoch?: number;
  worker?: string | null;
  attempt?: number;
  verdict?: string;
  counts?: boolean;
  notBefore?: string | null;
  until?: string;
  definition?: number | { name: string };
  steps?: unknown[];
  reason?: { message: string };
}

function summary(data: Told): string {
  const { definition, steps, ordinal, epoch, worker, reason, attempt, verdict, notBefore, until } = data;
  const parts = [
    ordinal === undefined ? '' : `s${ordinal}`,
    epoch === undefined ? '' : `e${epoch}`,
    worker ?? '',
    attempt === undefined ? '' : `attempt ${attempt} ${verdict}`,
    data.counts ? 'counts' : '',
    notBefore ? `not before ${notBefore}` : '',
    until ? `until ${until}` : '',
    typeof definition === 'object' ? definition.name : '',
    steps ? `${steps.length} steps` : '',
    reason ? `(${reason.message})` : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** What messages may hold. */
interface Said {
  lease?: NamedLease;
  leases?: NamedLease[];
  attempt?: number;
  verdict?: string;
  result?: { status: string };
  status?: string;
}

interface NamedLease {
  planId: string;
  ordinal: number;
  epoch: number;
  worker?: string;
  token: string;
}

function leaseIn(text: string): string {
  try {
    const { lease, leases, attempt, verdict, result, status } = JSON.parse(text) as Said;
    if (leases) return `leases ${leases.map(nameOf).join(' ')}`;
    if (!lease) return status ?? '';
    return `${nameOf(lease)} ${result?.status ?? (attempt === undefined ? '' : `attempt ${attempt} ${verdict}`)}`;
  } catch {
    return text.slice(0, 40);
  }
}

function nameOf({ planId, ordinal, epoch, worker, token }: NamedLease): string {
  return `${planId}/s${ordinal}/e${epoch}${worker ? ` of ${worker}` : ''} (${token.slice(0, 4)})`;
}

function planIn(text: string): string | null {
  return /(plan|fork)\d{8}/.exec(text)?.[0] ?? null;
}

function detail(fields: object): string {
  const { err, ...rest } = fields as { err?: unknown };
  const why = err instanceof Error ? ` ${err.message}` : '';
  return `${JSON.stringify(rest)}${why}`.slice(0, 300);
}
