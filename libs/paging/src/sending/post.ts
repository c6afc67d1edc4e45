import http from 'node:http';
import https from 'node:https';
import type { SinkRequest } from '../sinks/sink.ts';

/** Past this an answer is no answer to a page. */
const ANSWER_BYTES_MAX = 16 * 1_024;
const HEADER_BYTES_MAX = 16 * 1_024;

export interface Answer {
  status: number;
  retryAfter: string | null;
  /** As much of the body as is worth reading. */
  text: string;
}

/** No answer. `message` names no address. */
export class NoAnswerError extends Error {
  readonly code = 'NO_ANSWER';
  readonly retry = 'later';
  override readonly name = 'NoAnswerError';
}

/**
 * One request on a connection of its own: no redirect is followed, nothing is read past the bounds, and all of it, the
 * look-up of the name included, takes at most `timeoutMs`. Throws NoAnswerError; when `signal` fires, its reason.
 */
export async function post(
  { url, headers, body }: SinkRequest,
  o: { timeoutMs: number; signal: AbortSignal },
): Promise<Answer> {
  const deadline = AbortSignal.timeout(o.timeoutMs);
  const signal = AbortSignal.any([deadline, o.signal]);
  try {
    return await exchange(url, headers, body, signal);
  } catch (error) {
    if (o.signal.aborted) throw o.signal.reason;
    if (deadline.aborted) throw new NoAnswerError(`no answer within ${o.timeoutMs} ms`, { cause: error });
    throw new NoAnswerError(`no answer: ${reasonOf(error)}`, { cause: error });
  }
}

function exchange(
  url: string,
  headers: SinkRequest['headers'],
  body: string,
  signal: AbortSignal,
): Promise<Answer> {
  const { request } = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const sent = request(
      url,
      {
        method: 'POST',
        agent: false,
        signal,
        maxHeaderSize: HEADER_BYTES_MAX,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'skein',
          ...headers,
        },
      },
      (response) => {
        answerOf(response).then(resolve, reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What is past the bounds is not waited for: the status says what matters. */
async function answerOf(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop ends the connection.
    if (bytes >= ANSWER_BYTES_MAX) break;
  }
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'] ?? null,
    text: Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString('utf8'),
  };
}

/** Codes only: messages of the system name hosts, and those of parsers what was sent. */
function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return 'the connection failed';
  return WORDS[code] ? `${WORDS[code]} (${code})` : code;
}

const WORDS: Record<string, string> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  ETIMEDOUT: 'it cannot be reached',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};
