import { createHmac } from 'node:crypto';

/**
 * `t=<Unix seconds>,v1=<hex>[,v1=<hex>]`: HMAC-SHA256 of `<t>.<body>`, once for each secret. A receiver takes the request
 * when any of them is right and `t` is recent, so that secrets can be exchanged without a gap, and what was recorded on
 * the way cannot be sent again later.
 */
export function signatureOf(body: string, secrets: readonly string[], nowMs: number): string {
  const t = Math.floor(nowMs / 1_000);
  const signed = secrets.map((secret) => {
    const digest = createHmac('sha256', secret).update(`${t}.${body}`, 'utf8').digest('hex');
    return `v1=${digest}`;
  });
  return [`t=${t}`, ...signed].join(',');
}
