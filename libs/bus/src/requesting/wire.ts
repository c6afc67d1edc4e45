/**
 * The one answer below the contract's replies: "I cannot take this now, repeat it". Given by a decider with too much
 * in flight, or whose handler failed; clients never show it to their callers.
 */
export const LATER = 'later';
