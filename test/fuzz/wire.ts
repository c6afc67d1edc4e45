import { connect, type Socket } from 'node:net';

export interface Answer {
  status: number;
  /** Lower-case names; the last of several wins. */
  headers: Record<string, string>;
  text: string;
  /** False: the stream went on, or the connection ended before the body did. */
  whole: boolean;
}

/** What is expected of one exchange. */
export interface Exchange {
  /** Sent one after the other, with a breath between, so that they arrive apart. */
  parts: readonly Buffer[];
  /** Methods of the requests that they hold: a HEAD has no body in its answer. */
  methods: readonly string[];
  /** An endless answer: its head and what comes within this time is enough. */
  streamMs?: number;
  /** The connection cannot be used again, whatever is answered. */
  last?: boolean;
  /** Nothing more will come: whoever waits for the rest need not. */
  cutOff?: boolean;
}

const ANSWER_TIMEOUT_MS = 20_000;
const TEXT_MAX = 32 * 1_024 ** 2;

/**
 * One connection that is kept, and opened again when it ended. Not Node's client: that one refuses to send most of what
 * is sent here, and hides what came after an answer.
 */
export class Wire {
  private socket: Socket | null = null;
  private unread: Buffer = Buffer.alloc(0);
  private ended = true;
  private wake: () => void = () => undefined;
  private readonly port: number;

  constructor(port: number) {
    this.port = port;
  }

  /** The answers that came: fewer than asked for when the other side closed. Throws on a silence, and on what is no HTTP. */
  async exchange({ parts, methods, streamMs, last = false, cutOff = false }: Exchange): Promise<Answer[]> {
    if (this.ended) await this.open();
    for (const [at, part] of parts.entries()) {
      if (at > 0) await new Promise((resolve) => setImmediate(resolve));
      if (!this.ended) this.socket!.write(part);
    }
    if (cutOff && !this.ended) this.socket!.end();
    const answers: Answer[] = [];
    for (const method of methods) {
      const answer = await this.read(method, streamMs);
      if (!answer) break;
      answers.push(answer);
      if (!answer.whole || answer.headers['connection'] === 'close') break;
    }
    const shut = answers.length < methods.length || answers.at(-1)?.headers['connection'] === 'close';
    if (last || shut || answers.at(-1)?.whole === false || this.unread.length > 0) this.close();
    return answers;
  }

  /** Sends, and goes away at once. */
  async abandon(parts: readonly Buffer[]): Promise<void> {
    if (this.ended) await this.open();
    const socket = this.socket!;
    await new Promise<void>((resolve) => socket.write(Buffer.concat(parts), () => resolve()));
    this.close();
  }

  close(): void {
    this.ended = true;
    this.unread = Buffer.alloc(0);
    this.socket?.destroy();
    this.socket = null;
  }

  private async open(): Promise<void> {
    const socket = connect(this.port, '127.0.0.1');
    socket.setNoDelay(true);
    this.unread = Buffer.alloc(0);
    this.ended = false;
    this.socket = socket;
    const over = (): void => {
      if (this.socket !== socket) return;
      this.ended = true;
      this.wake();
    };
    socket.on('data', (chunk: Buffer) => {
      if (this.socket !== socket) return;
      this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk]);
      this.wake();
    });
    socket.on('close', over).on('end', over).on('error', over);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
  }

  private async read(method: string, streamMs: number | undefined): Promise<Answer | null> {
    const until = performance.now() + ANSWER_TIMEOUT_MS;
    const head = await this.upTo('\r\n\r\n', until);
    if (head === null) {
      if (this.unread.length > 0)
        throw new Error(`an answer without an end of its head: ${show(this.unread)}`);
      return null;
    }
    const { status, headers } = parseHead(head);
    if (status === 100) return this.read(method, streamMs);
    const answer = (body: Buffer, whole = true): Answer => ({
      status,
      headers,
      text: body.toString('utf8'),
      whole,
    });
    if (method === 'HEAD' || status === 204 || status === 304) return answer(Buffer.alloc(0));
    const length = headers['content-length'];
    if (length !== undefined) {
      const body = await this.bytes(Number(length), until);
      return body === null ? answer(this.unread, false) : answer(body);
    }
    if (headers['transfer-encoding'] !== 'chunked') return answer(await this.rest(until));
    return this.readChunks(
      answer,
      streamMs === undefined ? until : performance.now() + streamMs,
      streamMs !== undefined,
    );
  }

  private async readChunks(
    answer: (body: Buffer, whole?: boolean) => Answer,
    until: number,
    endless: boolean,
  ): Promise<Answer> {
    const chunks: Buffer[] = [];
    for (;;) {
      const size = await this.upTo('\r\n', until, endless);
      if (size === null) return answer(Buffer.concat(chunks), false);
      const length = parseInt(size, 16);
      if (Number.isNaN(length)) throw new Error(`no size of a chunk: ${JSON.stringify(size)}`);
      const chunk = await this.bytes(length + 2, until, endless);
      if (chunk === null) return answer(Buffer.concat(chunks), false);
      if (length === 0) return answer(Buffer.concat(chunks));
      chunks.push(chunk.subarray(0, length));
    }
  }

  private async upTo(mark: string, until: number, endless = false): Promise<string | null> {
    for (;;) {
      const at = this.unread.indexOf(mark);
      if (at >= 0) {
        const text = this.unread.subarray(0, at).toString('latin1');
        this.unread = this.unread.subarray(at + mark.length);
        return text;
      }
      if (!(await this.more(until, endless))) return null;
    }
  }

  private async bytes(count: number, until: number, endless = false): Promise<Buffer | null> {
    while (this.unread.length < count) if (!(await this.more(until, endless))) return null;
    const taken = this.unread.subarray(0, count);
    this.unread = this.unread.subarray(count);
    return taken;
  }

  private async rest(until: number): Promise<Buffer> {
    while (await this.more(until, false));
    const all = this.unread;
    this.unread = Buffer.alloc(0);
    return all;
  }

  /** Whether more came. False: nothing more will, or what may have no end had its time. */
  private async more(until: number, endless: boolean): Promise<boolean> {
    if (this.ended) return false;
    if (this.unread.length > TEXT_MAX) throw new Error(`an answer of more than ${TEXT_MAX} bytes`);
    const before = this.unread.length;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      timer = setTimeout(resolve, Math.max(0, until - performance.now()));
    });
    clearTimeout(timer);
    if (this.unread.length > before) return true;
    if (this.ended || endless) return false;
    if (performance.now() < until) return true;
    throw new Error('no answer in time');
  }
}

function parseHead(head: string): { status: number; headers: Record<string, string> } {
  const [line = '', ...lines] = head.split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(line)?.[1];
  if (status === undefined) throw new Error(`no status line: ${JSON.stringify(line.slice(0, 200))}`);
  const headers: Record<string, string> = {};
  for (const one of lines) {
    const colon = one.indexOf(':');
    headers[one.slice(0, colon).toLowerCase()] = one.slice(colon + 1).trim();
  }
  return { status: Number(status), headers };
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 200).toString('latin1'));
}
