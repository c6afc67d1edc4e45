import { headlineOf, type Message } from '../message.ts';
import { signatureOf } from './signature.ts';
import type { Sink, WebhookSettings } from './sink.ts';

/** Of the body. Keys may be added; none changes its meaning under the same version. */
export const WEBHOOK_VERSION = 1;

/** Our own format, signed. */
export function webhookSink({ url, secrets }: WebhookSettings): Pick<Sink, 'request'> {
  return {
    request(message, nowMs) {
      const body = JSON.stringify({
        version: WEBHOOK_VERSION,
        ...message,
        summary: headlineOf(message),
      } satisfies Message & { version: number; summary: string });
      const headers = {
        'skein-signature': signatureOf(body, secrets, nowMs),
        'skein-page-id': message.id,
      };
      return { url, headers, body };
    },
  };
}
