import { Chance } from '../sim/core/chance.ts';
import type { Ask, Kind } from './ask.ts';
import { almost, valueOf } from './bodies.ts';
import type { Json, Operation, Parameter } from './document.ts';
import { goodParts, hostilePart, planIdFor, type Known } from './known.ts';
import { hostileText, hostileWord } from './noise.ts';
import { almostPlan, hostilePlanText, validPlan } from './plan-texts.ts';
import { bytesOf, chunkedBytesOf, headOf, headerText, type Request } from './request.ts';
import { wireNoise } from './wire-noise.ts';

const SHARES: [Kind, number][] = [
  ['valid', 0.42],
  ['almost', 0.26],
  ['hostile', 0.22],
  ['wire', 0.05],
  ['pipelined', 0.03],
  ['abandoned', 0.02],
];

/** What makes state, and what is done to it, more often than what only looks. */
const WEIGHTS: Record<string, number> = {
  submitPlan: 16,
  forkPlan: 3,
  readDocument: 0.3,
  readMetrics: 0.3,
  testSink: 0.5,
  streamEvents: 0.7,
  streamPlanEvents: 0.7,
};

const STREAM_MS = 40;
const CHANGES_NOTHING = { method: 'GET' };

export interface AskOptions {
  seed: string;
  port: number;
  operations: readonly Operation[];
  known: Known;
}

/** Makes requests from a seed. They must be asked for one after the other: later ones name what earlier ones made. */
export class Asking {
  private readonly o: AskOptions;
  private readonly weighted: Operation[];
  private n = 0;
  /** Nothing of what is made may be taken: it is all too late, only tried, or wrong. */
  quiet = false;

  constructor(o: AskOptions) {
    this.o = o;
    this.weighted = o.operations.flatMap((one) =>
      Array.from({ length: Math.ceil((WEIGHTS[one.id] ?? (one.body ? 2 : 1)) * 10) }, () => one),
    );
  }

  next(): Ask {
    this.n += 1;
    const chance = new Chance(`${this.o.seed}/${this.n}`);
    const kind = share(chance);
    const ask = { n: this.n, kind, planId: null, mayBeSilent: false, last: false };
    if (kind === 'wire') return { ...ask, ...wireNoise(chance, this.o.port) };
    if (kind === 'pipelined') return { ...ask, ...this.pipelined(chance) };
    const operation = chance.pick(this.weighted);
    const as = kind === 'abandoned' ? 'valid' : kind;
    const key = this.keyFor(operation, as, chance);
    const request = this.request(operation, as, chance, key);
    const planId = key === null ? null : planIdFor(key);
    const endless = operation.id.startsWith('stream') && { streamMs: STREAM_MS };
    return { ...ask, planId, requests: [request], ...endless, ...transport(request, kind, chance) };
  }

  /** What a submission is remembered by. Absent in some; a repeated one in others. */
  private keyFor({ id }: Operation, kind: Kind, chance: Chance): string | null {
    if (id !== 'submitPlan' && id !== 'forkPlan') return null;
    const again = kind === 'almost' && chance.bool(0.3) ? this.o.known.key(chance) : null;
    if (again !== null) return again;
    const key = `f${this.n}-${this.o.seed}`;
    if (kind === 'valid' && !this.quiet) this.o.known.submitted(key);
    return key;
  }

  private request(operation: Operation, kind: Kind, chance: Chance, key: string | null): Request {
    // Where it is wrong: in one place, or anywhere.
    const flaw = kind === 'valid' ? 'none' : chance.pick(flaws(operation, kind));
    const method = operation.method === 'GET' && chance.bool(0.04) ? 'HEAD' : operation.method;
    const headers = this.headers(operation, flaw, chance, key);
    const made: Request = {
      method:
        flaw === 'method'
          ? chance.pick(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'POST', 'GET', 'TRACE'])
          : method,
      address: `${this.path(operation, flaw, chance)}${this.query(operation, flaw, chance)}`,
      headers,
      body: null,
    };
    if (!operation.body)
      return flaw === 'body'
        ? { ...made, headers: [...headers, JSON_TYPE], body: hostileText(chance) }
        : made;
    const type = flaw === 'type' ? contentType(chance) : [JSON_TYPE];
    const body = this.body(operation, kind, flaw, chance);
    return { ...made, headers: [...headers, ...type], body };
  }

  private path(operation: Operation, flaw: string, chance: Chance): string {
    const good = goodParts(operation, this.o.known, chance);
    const parts = operation.path.split('/').map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      if (name === undefined) return part;
      const bad = flaw === 'path' && chance.bool(0.6);
      return bad ? hostilePart(chance) : good[name]!;
    });
    if (flaw === 'path' && chance.bool(0.15))
      parts.splice(chance.int(1, parts.length), 0, hostilePart(chance));
    return chance.bool(0.02) ? `${parts.join('/')}/` : parts.join('/');
  }

  private query(operation: Operation, flaw: string, chance: Chance): string {
    const pairs: string[] = [];
    for (const parameter of operation.parameters) {
      if (parameter.in !== 'query' || !chance.bool(0.35)) continue;
      const { name } = parameter;
      for (let times = chance.bool(0.1) ? 2 : 1; times > 0; times -= 1)
        pairs.push(
          `${name}=${flaw === 'query' ? badValue(chance) : goodValue(parameter, this.o.known.planId(chance, operation), chance)}`,
        );
    }
    if (flaw === 'query')
      pairs.push(chance.bool(0.6) ? `${hostilePart(chance)}=${badValue(chance)}` : badValue(chance));
    if (flaw === 'query' && chance.bool(0.05))
      pairs.push(...Array.from({ length: 1_500 }, (_, at) => `a${at}=1`));
    if (this.quiet && operation.id === 'submitPlan') return '?dryRun=true';
    return pairs.length === 0 ? '' : `?${chance.shuffle(pairs).join('&')}`;
  }

  private headers(
    operation: Operation,
    flaw: string,
    chance: Chance,
    key: string | null,
  ): [string, string][] {
    const made: [string, string][] = [['Host', `127.0.0.1:${this.o.port}`]];
    const bad = (): string => headerText(hostileWord(chance));
    for (const { name, in: place } of operation.parameters) {
      if (place !== 'header' || name === 'X-Skein-Actor') continue;
      if (name === 'Idempotency-Key') made.push([name, key ?? '']);
      else if (name === 'If-Match' && this.quiet) made.push([name, '"999999"']);
      else if (flaw === 'header' && chance.bool(0.7)) made.push([name, bad()]);
      else if (chance.bool(0.2)) made.push([name, goodHeader(name, chance)]);
    }
    // Who asked is how a row of the ledger is traced back to its request.
    made.push(['X-Skein-Actor', `f${this.n}${flaw === 'header' ? ` ${bad()}` : ''}`]);
    if (flaw !== 'header') return made;
    return chance.shuffle([...made, ...oddHeaders(chance, made)]);
  }

  private body(operation: Operation, kind: Kind, flaw: string, chance: Chance): Buffer {
    const isQuietFork = this.quiet && operation.id === 'forkPlan';
    // Some hostile texts are good enough to fork a plan, such as `{}`.
    if (flaw === 'body' && kind === 'hostile' && !isQuietFork && chance.bool(0.6)) return hostileText(chance);
    const value = valueOf(operation.body!, chance) as { [key: string]: Json };
    // A fork cannot be tried only: it is asked for with a key that nobody knows.
    if (isQuietFork) return Buffer.from(JSON.stringify({ ...value, quiet: true }));
    if ('limits' in value) value['limits'] = goodLimits(this.o.known.planId(chance, operation), chance);
    // Never all of them: what is kept for one operation is none of another's.
    if (operation.id === 'redriveDeadLetters') {
      delete value['all'];
      value['filter'] = { plan: this.quiet ? 'nosuchplan' : this.o.known.planId(chance, operation) };
    }
    if (operation.id === 'submitPlan' || 'text' in value) {
      delete value['repoUrl'];
      delete value['base'];
      delete value['files'];
      delete value['params'];
      const wrong = flaw === 'body' && chance.bool(0.7);
      const plan = !wrong
        ? validPlan(chance)
        : kind === 'almost'
          ? almostPlan(chance)
          : hostilePlanText(chance);
      value['text'] = typeof plan === 'string' ? plan : JSON.stringify(plan);
      if (wrong) return Buffer.from(JSON.stringify(value));
    } else if (operation.id === 'forkPlan') {
      for (const beside of ['params', 'files', 'repoUrl', 'base']) if (chance.bool(0.9)) delete value[beside];
    }
    return Buffer.from(JSON.stringify(flaw === 'body' ? almost(value, chance) : value));
  }

  private pipelined(chance: Chance): Pick<Ask, 'requests' | 'parts'> {
    const readers = this.weighted.filter(({ id, method }) => method === 'GET' && !id.startsWith('stream'));
    const requests = Array.from({ length: chance.int(2, 5) }, () => {
      const made = this.request(chance.pick(readers), chance.bool(0.7) ? 'valid' : 'almost', chance, null);
      return {
        ...made,
        ...CHANGES_NOTHING,
        body: null,
        headers: made.headers.filter(([name]) => name === 'Host'),
      };
    });
    return { requests, parts: [Buffer.concat(requests.flatMap(bytesOf))] };
  }
}

const JSON_TYPE: [string, string] = ['Content-Type', 'application/json'];

function share(chance: Chance): Kind {
  let left = chance.next();
  for (const [kind, part] of SHARES) {
    left -= part;
    if (left < 0) return kind;
  }
  return 'valid';
}

function flaws({ body, parameters }: Operation, kind: Kind): string[] {
  const has = (place: string): boolean => parameters.some((one) => one.in === place);
  return [
    ...(body ? ['body', 'body', 'body', ...(kind === 'hostile' ? ['type'] : [])] : []),
    ...(has('path') ? ['path'] : []),
    ...(has('query') ? ['query', 'query'] : []),
    'header',
    ...(kind === 'hostile' ? ['method', 'query', 'body'] : []),
  ];
}

function goodValue({ name, schema }: Parameter, planId: string, chance: Chance): string {
  const words: Record<string, string> = {
    name: chance.pick(['fuzz', 'fuzz small', 'F', "fuzz o'b"]),
    tenant: chance.pick(['local', 'other']),
    label: chance.pick(['team=fuzz', 'kind', 'kind=b=c']),
    cursor: chance.pick(['1', '17', '9223372036854775807', '5-1']),
    createdAfter: chance.pick(['2020-01-01', '2026-11-20T08:00:00Z', '2999-01-01T00:00:00+02:00']),
    createdBefore: chance.pick(['2020-01-01', '2999-12-31']),
    age: chance.pick(['<24h', '>7d', '<1ms']),
    plan: planId,
    type: chance.pick(['plan.completed', 'step.passed']),
    reason: chance.pick(['leases-used-up', 'x']),
    after: schema.type === 'string' ? chance.pick(['0-0', '1-1']) : String(chance.int(0, 9)),
  };
  const word = words[name];
  if (word !== undefined) return encodeURIComponent(word);
  if (schema.enum) return encodeURIComponent(JSON.stringify(chance.pick(schema.enum)).replaceAll('"', ''));
  return String(chance.bool(0.2) ? (schema.maximum ?? 5) : chance.int(schema.minimum ?? 0, 20));
}

/** Never so few that nothing would go on. */
function goodLimits(planId: string, chance: Chance): Json {
  const names = ['fleet', 'tenant:local', 'tenant:*', 'pool:default', 'lock:one', `plan:${planId}`];
  const caps = chance
    .some(names, 0.3)
    .map((name): [string, Json] => [name, chance.pick([64, 100, 5_000, null])]);
  return Object.fromEntries([['weight:local', chance.int(1, 5)], ...caps]);
}

function badValue(chance: Chance): string {
  return chance.bool(0.5) ? hostilePart(chance) : encodeURIComponent(hostileWord(chance).toWellFormed());
}

function goodHeader(name: string, chance: Chance): string {
  if (name === 'If-Match') return chance.pick(['*', `"${chance.int(1, 12)}"`]);
  if (name === 'Last-Event-ID') return chance.pick(['0', '3', '0-0', '1-1']);
  return `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
}

function contentType(chance: Chance): [string, string][] {
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
    'application/json; charset=utf-16',
    'application/json;',
    'application/jsonx',
    'APPLICATION/JSON',
    'application/vnd.api+json',
    '*/*',
    'application/x-yaml',
    ';',
    '',
    '\u00ff',
  ];
  const made: [string, string][] = chance.bool(0.15) ? [] : [['Content-Type', chance.pick(types)]];
  if (chance.bool(0.2)) made.push(JSON_TYPE);
  if (chance.bool(0.3))
    made.push(['Content-Encoding', chance.pick(['gzip', 'br', 'identity', 'deflate, gzip', '\u00e9'])]);
  return made;
}

/** Doubled ones, foreign ones, and those that ask a server for something else than it does. */
function oddHeaders(chance: Chance, made: readonly [string, string][]): [string, string][] {
  return chance.pick<() => [string, string][]>([
    () => [chance.pick(made)],
    () => [['Host', 'evil.example']],
    () => [['Origin', chance.pick(['null', 'https://evil.example', 'http://127.0.0.1:1', '\u00ff'])]],
    () => [['Sec-Fetch-Site', chance.pick(['cross-site', 'same-site', 'none', 'x'])]],
    () => [['Expect', chance.pick(['100-continue', 'a miracle'])]],
    () => [['Connection', chance.pick(['close', 'keep-alive, Upgrade', 'X-Skein-Actor'])]],
    () => [
      ['Connection', 'Upgrade'],
      ['Upgrade', chance.pick(['websocket', 'h2c'])],
    ],
    () => [
      ['X-Forwarded-For', '10.0.0.1'],
      ['X-HTTP-Method-Override', 'DELETE'],
    ],
    () => [
      ['Range', 'bytes=0-9999999999999'],
      ['If-None-Match', '*'],
    ],
    () => [
      ['Accept', 'application/xml'],
      ['Accept-Encoding', 'gzip, br;q=nan'],
    ],
    () => [
      [
        'traceparent',
        chance.pick(['00-0-0-0', `ff-${'0'.repeat(32)}-${'0'.repeat(16)}-00`, 'x'.repeat(5_000)]),
      ],
      ['tracestate', 'a=b,'.repeat(400)],
    ],
    () => Array.from({ length: chance.pick([40, 300]) }, (_, at): [string, string] => [`X-${at}`, 'y']),
    () => [['X-Long', 'z'.repeat(chance.pick([8_000, 20_000, 70_000]))]],
    () => [
      ['Cookie', 'a=b; '.repeat(500)],
      ['Authorization', `Bearer ${'t'.repeat(3_000)}`],
    ],
  ])();
}

/** How its bytes are sent: as they should be, in chunks, with a length that is not theirs, or only a part of them. */
function transport(
  request: Request,
  kind: Kind,
  chance: Chance,
): Pick<Ask, 'parts' | 'last' | 'mayBeSilent'> {
  const usual = { parts: bytesOf(request), last: false, mayBeSilent: false };
  if (kind !== 'hostile' || request.body === null || chance.bool(0.6)) return usual;
  const { body, headers } = request;
  const long = headOf({ ...request, headers: [...headers, ['Content-Length', String(body.length)]] });
  if (chance.bool(0.5))
    return {
      ...usual,
      parts: chunkedBytesOf(request, chance.pick([1, 7, 5_000]) + Math.floor(body.length / 50)),
    };
  // The rest is no request, and no harm: it begins with a brace, a bracket or noise.
  if (body.length > 2 && chance.bool(0.5)) {
    const short = headOf({ ...request, headers: [...headers, ['Content-Length', String(body.length >> 1)]] });
    return { parts: [short, body], last: true, mayBeSilent: false };
  }
  return { parts: [long, body.subarray(0, body.length >> 1)], last: true, mayBeSilent: true };
}
