import { REDACTED, redactText } from '#telemetry';
import type { Message } from '../message.ts';
import { plainLine } from '../plain-text.ts';
import type { Sink } from '../sinks/sink.ts';
import { NoAnswerError, post, type Answer } from './post.ts';
import { retryAfterMs } from './retry-after.ts';

export type Delivery =
  | { ok: true; status: number }
  /** `error`: for people, without the sink's secrets. `status`: null when there was no answer. */
  | { ok: false; status: number | null; error: string; retryAfterMs: number | null };

/** Too many requests, service unavailable. */
const LATER: ReadonlySet<number> = new Set([429, 503]);
const ERROR_CHARS_MAX = 300;
const READ_CHARS_MAX = 2_000;

/** One try. Throws only when `signal` fires: then nobody knows whether the sink has it. */
export async function deliver(
  sink: Sink,
  message: Message,
  o: { nowMs: number; timeoutMs: number; signal: AbortSignal },
): Promise<Delivery> {
  try {
    const answer = await post(sink.request(message, o.nowMs), o);
    if (answer.status >= 200 && answer.status < 300) return { ok: true, status: answer.status };
    return {
      ok: false,
      status: answer.status,
      error: wordAnswer(sink, answer),
      // Of the whole sink, not of this page: only these statuses speak of it.
      retryAfterMs: LATER.has(answer.status) ? retryAfterMs(answer.retryAfter, o.nowMs) : null,
    };
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    return { ok: false, status: null, error: error.message, retryAfterMs: null };
  }
}

function wordAnswer(sink: Sink, { status, text }: Answer): string {
  if (status >= 300 && status < 400) return `answered ${status}: redirects are not followed`;
  const said = withoutSecrets(text, sink.secrets);
  return said === '' ? `answered ${status}` : `answered ${status}: ${said}`;
}

/** Some servers repeat what they were sent. Secrets go before the cut, which could leave half of one. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  let said = text;
  for (const secret of secrets) {
    for (const form of [secret, JSON.stringify(secret).slice(1, -1)]) said = said.replaceAll(form, REDACTED);
  }
  return plainLine(redactText(said).slice(0, READ_CHARS_MAX), ERROR_CHARS_MAX);
}
