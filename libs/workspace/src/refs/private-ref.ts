export interface PrivateRefParts {
  planId: string;
  ordinal: number;
  epoch: number;
  /** The lease's token, hex; the first 12 digits go into the ref. */
  token: string;
  /** Number of the attempt, or what else the lease made. */
  attempt: number | 'merge';
}

/**
 * The ref that holds a candidate: `refs/skein/<plan>/s17/2-0123456789ab/1`. Epoch and token make it the lease's own,
 * so that a zombie can never write a ref that another lease uses.
 */
export function privateRef(parts: PrivateRefParts): string {
  const { planId, ordinal, epoch, token, attempt } = parts;
  if (!/^[a-z0-9]{8,64}$/.test(planId)) throw new RangeError(`not a plan id: ${JSON.stringify(planId)}`);
  if (!/^[0-9a-f]{12,64}$/.test(token)) throw new RangeError('a lease token is at least 12 hex digits');
  for (const [name, number] of Object.entries({
    ordinal,
    epoch,
    attempt: attempt === 'merge' ? 0 : attempt,
  })) {
    if (!Number.isSafeInteger(number) || number < 0)
      throw new RangeError(`${name} is not a whole number: ${number}`);
  }
  return `${privateRefPrefix(planId)}s${ordinal}/${epoch}-${token.slice(0, 12)}/${attempt}`;
}

/** Everything that a plan has at a remote is below this. */
export function privateRefPrefix(planId: string): string {
  return `refs/skein/${planId}/`;
}
