/** What a probe says while it is not there yet. */
type NotYet = null | undefined | false;

/**
 * Polls until the probe gives something, at most `timeoutMs` (default 10 s), and returns that.
 * Not yet: null, undefined, false, or a throw (an `expect` that fails). A probe that only makes assertions has
 * succeeded when they all pass (so one that also answers must answer false, not undefined). The last failure is the
 * cause of the error.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  o: { timeoutMs?: number; what?: string; everyMs?: number } = {},
): Promise<Exclude<T, NotYet>> {
  const timeoutMs = o.timeoutMs ?? 10_000;
  const deadline = performance.now() + timeoutMs;
  let last: { value: unknown } | { error: unknown };
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, o.everyMs ?? 100)) {
    const assertionsBefore = assertions();
    try {
      const value = await probe();
      if (value !== null && value !== undefined && value !== false) return value as Exclude<T, NotYet>;
      if (value === undefined && assertions() > assertionsBefore) return value as Exclude<T, NotYet>;
      last = { value };
    } catch (error) {
      last = { error };
    }
    if (performance.now() > deadline) break;
    await new Promise((wake) => setTimeout(wake, pauseMs));
  }
  const what = o.what ?? 'what was waited for';
  if ('error' in last) {
    const message = last.error instanceof Error ? last.error.message : String(last.error);
    throw new Error(`Not within ${timeoutMs} ms: ${what}. Last failure: ${message}`, { cause: last.error });
  }
  throw new Error(`Not within ${timeoutMs} ms: ${what}. Last answer: ${String(last.value)}`);
}

function assertions(): number {
  return typeof expect === 'undefined' ? 0 : expect.getState().assertionCalls;
}
