import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Ask } from './ask.ts';
import { Asking } from './asking.ts';
import { Client } from './client.ts';
import { operationsOf, type ApiDocument } from './document.ts';
import { FuzzedStack } from './fuzzed-stack.ts';
import { Judge } from './judging.ts';
import { Known, type PreparedPlan } from './known.ts';
import { prepare, settle } from './preparing.ts';
import { Tally } from './tally.ts';
import { Wire } from './wire.ts';

export interface FuzzOptions {
  requests: number;
  seed: string;
  connections: number;
  /** Only print this request. */
  show: number | null;
  say: (line: string) => void;
}

export interface FuzzResult {
  seed: string;
  requests: number;
  failed: number;
  failures: string[];
  kinds: Record<string, number>;
  pastValidation: number;
  accepted: number;
  plans: number;
  events: number;
  /** Rows that came while everything that was asked had to be refused, or only tried. */
  eventsWhileQuiet: number;
  seconds: number;
  requestsPerSecond: number;
  rssMb: { before: number; half: number; after: number; peak: number };
  descriptors: { before: number; after: number };
  warnings: Record<string, number>;
  coverage: Record<string, Record<string, number>>;
}

/** This share of the requests comes when nothing runs any more, and none of it may leave a row. */
const QUIET_SHARE = 0.15;
/** Connections that never say what they want to the end. */
const SLOW_CONNECTIONS = 12;
/** What a run may take more at its end than in its middle: caches are full by then. */
const GROWTH_MAX_MB = 150;
const RSS_MAX_MB = 900;
const DESCRIPTORS_MORE_MAX = 40;

/** Null when a request was only to be shown. */
export async function fuzz(o: FuzzOptions): Promise<FuzzResult | null> {
  const sink = createServer((request, response) => void request.resume().on('end', () => response.end()));
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  o.say('starting a coordinator, workers, Postgres and nats-server ...');
  let stack: FuzzedStack | null = null;
  try {
    stack = await FuzzedStack.start({
      sinkUrl: `http://127.0.0.1:${(sink.address() as AddressInfo).port}/hook`,
    });
    const begun = stack;
    const interrupted = (): void => void begun.stop().finally(() => process.exit(130));
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
    return await new Fuzzing(stack, o).run();
  } finally {
    await stack?.stop();
    sink.closeAllConnections();
    sink.close();
  }
}

class Fuzzing {
  private readonly client: Client;
  private readonly stack: FuzzedStack;
  private readonly o: FuzzOptions;
  private asking!: Asking;
  private judge!: Judge;
  private tally!: Tally;
  private prepared: PreparedPlan[] = [];

  constructor(stack: FuzzedStack, o: FuzzOptions) {
    this.stack = stack;
    this.o = o;
    this.client = new Client(stack.url);
  }

  async run(): Promise<FuzzResult | null> {
    const { stack, client, o } = this;
    const document = await client.get<ApiDocument>('/v1/openapi.json');
    const operations = operationsOf(document);
    this.judge = new Judge(document, operations);
    this.tally = new Tally(operations);
    const prepared = show(o) ? PLACEHOLDERS : await prepare(stack, client);
    this.prepared = prepared;
    this.asking = new Asking({ seed: o.seed, port: stack.port, operations, known: new Known(prepared) });
    if (o.show !== null) return this.show(o.show);
    const before = stack.usage();
    const slow = slowConnections(stack.port);
    const loud = Math.round(o.requests * (1 - QUIET_SHARE));
    const startedAt = performance.now();
    await this.ask(Math.round(loud / 2));
    const half = stack.usage();
    await this.ask(loud);
    o.say('ending what runs ...');
    const pausedAt = performance.now();
    const restingAt = await settle(stack, client);
    const pausedMs = performance.now() - pausedAt;
    this.asking.quiet = true;
    await this.ask(o.requests);
    const seconds = (performance.now() - startedAt - pausedMs) / 1_000;
    const slowHeard = await slow.end();
    const events = await stack.events();
    if (events > restingAt)
      this.tally.fail(
        `recorded while everything was refused: ${(await stack.typesAfter(restingAt)).join(', ')}`,
      );
    await this.account();
    const after = stack.usage();
    this.holdTheEnd({ before, half, after, slowHeard });
    await this.holdHealth();
    return this.result({ before, half, after, events, quiet: events - restingAt, seconds });
  }

  /** Until so many requests were sent in all; each connection takes the next one when it has its answer. */
  private async ask(total: number): Promise<void> {
    const lane = async (): Promise<void> => {
      const wire = new Wire(this.stack.port);
      while (this.tally.requests < total && this.tally.failed < FAILURES_MAX) await this.askOne(wire);
      wire.close();
    };
    await Promise.all(Array.from({ length: this.o.connections }, lane));
    this.o.say(`${this.tally.requests} requests, ${this.tally.failed} failures`);
  }

  private async askOne(wire: Wire): Promise<void> {
    const ask = this.asking.next();
    const before = lastOf.get(wire);
    lastOf.set(wire, ask.n);
    this.tally.sent(ask);
    try {
      if (ask.kind === 'abandoned') {
        await wire.abandon(ask.parts);
        return this.tally.abandoned(ask);
      }
      const methods = ask.requests.map(({ method }) => method);
      const { parts, last, streamMs, mayBeSilent: cutOff } = ask;
      const answers = await wire.exchange({
        parts,
        methods,
        last,
        cutOff,
        ...(streamMs !== undefined && { streamMs }),
      });
      if (answers.length === 0 && !ask.mayBeSilent) this.fail(ask, 'no answer');
      for (const [at, answer] of answers.entries()) {
        const { method, address } = ask.requests[at]!;
        this.tally.answered(ask, method, address, answer);
        const wrong = this.judge.wrong(method, address, answer);
        if (wrong !== null) this.fail(ask, wrong);
      }
    } catch (error) {
      wire.close();
      this.fail(ask, `${String(error)}; the request before it on its connection was ${before ?? 'none'}`);
    }
  }

  private fail({ n, kind, requests }: Ask, wrong: string): void {
    const { method, address } = requests[0]!;
    this.tally.fail(`request ${n} (${kind}, ${method} ${address.slice(0, 120)}): ${wrong.slice(0, 600)}`);
  }

  /** Every row is of somebody who was told that it was taken, or went away before the answer. */
  private async account(): Promise<void> {
    const { tally, stack } = this;
    const plans = await stack.planIds();
    for (const planId of tally.begun)
      if (!plans.has(planId)) tally.fail(`plan ${planId} was answered as begun, and is not recorded`);
    const made = new Set([
      FLEET,
      ...this.prepared.map(({ planId }) => planId),
      ...tally.begun,
      ...tally.unknownPlans,
    ]);
    for (const planId of plans)
      if (!made.has(planId)) tally.fail(`plan ${planId} is recorded, and nobody was told that it begins`);
    for (const { planId, type, by } of await stack.askedFor()) {
      if (by === 'prepared' || by === 'settled' || by === 'skein') continue;
      const n = Number(/^f(\d+)/.exec(by)?.[1]);
      if (!tally.accepted.has(n) && !tally.unknown.has(n))
        tally.fail(`${type} of plan ${planId} is recorded for ${by}, who was refused`);
    }
  }

  private holdTheEnd(o: { before: Used; half: Used; after: Used; slowHeard: number }): void {
    const { tally, stack } = this;
    for (const line of stack.logged.bad) tally.fail(`logged: ${line.slice(0, 600)}`);
    if (!stack.isAlive) tally.fail('the coordinator is gone');
    if (o.after.rssMb > RSS_MAX_MB) tally.fail(`the coordinator holds ${o.after.rssMb} MB`);
    const growth = o.after.rssMb - o.half.rssMb;
    if (growth > GROWTH_MAX_MB)
      tally.fail(`the coordinator grew by ${growth} MB since the middle of the run`);
    const open = o.after.descriptors - o.before.descriptors;
    if (open > DESCRIPTORS_MORE_MAX) tally.fail(`${open} more descriptors are open than at the beginning`);
    if (this.o.requests >= COVERING_REQUESTS && tally.unreached.length > 0)
      tally.fail(`never answered with anything good: ${tally.unreached.join(', ')}`);
    if (o.slowHeard > 0) tally.fail(`${o.slowHeard} connections were answered before they had asked`);
  }

  private async holdHealth(): Promise<void> {
    const isReady = await this.client.isReady().catch(() => false);
    if (!isReady) this.tally.fail('the coordinator does not answer that it is well');
  }

  private result(o: {
    before: Used;
    half: Used;
    after: Used;
    events: number;
    quiet: number;
    seconds: number;
  }): FuzzResult {
    const { tally, stack } = this;
    for (const line of tally.lines()) this.o.say(line);
    for (const failure of tally.failures) this.o.say(`FAILED ${failure}`);
    if (tally.failed > 0)
      this.o.say(
        `again: npm run fuzz -- --seed ${this.o.seed} --requests ${this.o.requests}; one request: --show N`,
      );
    return {
      seed: this.o.seed,
      requests: tally.requests,
      failed: tally.failed,
      failures: tally.failures,
      kinds: Object.fromEntries(tally.kinds),
      pastValidation: tally.pastValidation,
      accepted: tally.accepted.size,
      plans: tally.begun.size,
      events: o.events,
      eventsWhileQuiet: o.quiet,
      seconds: Math.round(o.seconds * 10) / 10,
      requestsPerSecond: Math.round(tally.requests / o.seconds),
      rssMb: { before: o.before.rssMb, half: o.half.rssMb, after: o.after.rssMb, peak: o.after.peakRssMb },
      descriptors: { before: o.before.descriptors, after: o.after.descriptors },
      warnings: Object.fromEntries(stack.logged.warnings),
      coverage: tally.coverage(),
    };
  }

  private show(n: number): null {
    let ask = this.asking.next();
    while (ask.n < n) ask = this.asking.next();
    const { parts, ...rest } = ask;
    this.o.say(JSON.stringify(rest));
    this.o.say(Buffer.concat(parts).toString('utf8'));
    return null;
  }
}

/** By connection: the number of its last request. */
const lastOf = new WeakMap<Wire, number>();

type Used = ReturnType<FuzzedStack['usage']>;

const FAILURES_MAX = 100;
/** So many reach every operation; a few may not. */
const COVERING_REQUESTS = 5_000;
const PLACEHOLDERS = [{ planId: 'prepared', step: 'step-0', keptFor: null }];
/** The stream of what is recorded of no plan. */
const FLEET = 'fleet';

function show({ show }: FuzzOptions): boolean {
  return show !== null;
}

/** A letter now and then, and never an end: they may hold up nobody but themselves. */
function slowConnections(port: number): { end: () => Promise<number> } {
  const text = 'POST /v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-Slow: ';
  let heard = 0;
  const sockets: Socket[] = Array.from({ length: SLOW_CONNECTIONS }, () =>
    connect(port, '127.0.0.1')
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        // Told that it was too slow is as it should be.
        if (!chunk.toString().startsWith('HTTP/1.1 408')) heard += 1;
      }),
  );
  let at = 0;
  const timer = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write(text[at] ?? 'x');
    at += 1;
  }, 200);
  return {
    end: async () => {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      return heard;
    },
  };
}
