/** What an attempt came to, as far as the loop's course depends on it. */
export interface TurnEnd {
  attempt: number;
  verdict: 'accepted' | 'rejected';
  /** The decider's answer to the attempt message: it alone counts attempts. */
  reply: 'continue' | 'stop';
}

export type NextTurn = { kind: 'done' } | { kind: 'again'; attempt: number };

/**
 * The decider counts; the worker only follows. An accepted attempt ends the loop whatever was answered, because there
 * is nothing left to fix.
 */
export function nextTurn(end: TurnEnd): NextTurn {
  if (end.verdict === 'accepted' || end.reply === 'stop') return { kind: 'done' };
  return { kind: 'again', attempt: end.attempt + 1 };
}

/** Where the first attempt of a lease begins, and what to say about it. */
export type Beginning =
  { from: 'start'; note: string | null } | { from: 'previous'; sha: string; note: string };

/**
 * Only an agent goes on from what an earlier attempt left. Commands and codemods are recipes: run again on their own
 * result they would do their work twice, so they begin at the start each time.
 */
export function beginning(o: {
  kind: 'run' | 'codemod' | 'agent';
  previous: { sha: string | null; fetched: boolean; descendsFromStart: boolean } | null;
}): Beginning {
  const { kind, previous } = o;
  if (previous === null || previous.sha === null || kind !== 'agent') return { from: 'start', note: null };
  const short = previous.sha.slice(0, 12);
  if (!previous.fetched) {
    return {
      from: 'start',
      note: `The commit ${short} of the attempt before could not be fetched: starting over from the start, with its feedback.`,
    };
  }
  if (!previous.descendsFromStart) {
    return {
      from: 'start',
      note: `The commit ${short} of the attempt before is not based on this step's start: starting over, with its feedback.`,
    };
  }
  return {
    from: 'previous',
    sha: previous.sha,
    note: `Going on from commit ${short} of the attempt before.`,
  };
}

/** Whether an attempt that changed nothing counts: an agent was sent to change something, a recipe may find nothing. */
export function emptyDiffRejects(kind: 'run' | 'codemod' | 'agent'): boolean {
  return kind === 'agent';
}
