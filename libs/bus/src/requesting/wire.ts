/**
 * One of two answers below the contract's replies: "I cannot take this now, repeat it". Given by a decider with too much
 * in flight, or whose handler failed; clients never show it to their callers.
 */
export const LATER = 'later';

/** The other one: "done, but NATS takes no message as large as the answer". To repeat the request would change nothing. */
export const ANSWER_TOO_LARGE = 'answer-too-large';
