const HIDDEN = '***';

/** Takes out the given secrets (also URL-encoded), passwords in URLs, and authorization headers. */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  let shown = text;
  for (const secret of secrets) {
    if (secret === '') continue;
    for (const form of new Set([
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
    ])) {
      shown = shown.replaceAll(form, HIDDEN);
    }
  }
  return shown
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*):[^\s/@]*@/gi, `$1:${HIDDEN}@`)
    .replace(/(authorization:\s*\S+\s+)\S+/gi, `$1${HIDDEN}`);
}
