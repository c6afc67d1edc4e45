/**
 * Who decides. A term is one replica's time as decider; it only grows, and every append names it.
 * All times are the database's: replicas' clocks never matter.
 */
export interface Terms {
  /**
   * Begins the next term, if the current holder was silent for the ttl or has resigned; null: somebody decides.
   * Throws DeciderTooOldError when a newer version of the program has decided here.
   */
  campaign(holder: string): Promise<{ term: number } | null>;
  /** Shows that the holder lives. False: the term is over. */
  renew(term: number): Promise<boolean>;
  /** Ends the term at once, so that a standby need not wait for the ttl. */
  resign(term: number): Promise<void>;
  current(): Promise<CurrentTerm>;
}

/** Before the first campaign: term 0, holder '', not fresh. */
export interface CurrentTerm {
  term: number;
  holder: string;
  /** The holder renewed within the ttl and has not resigned. */
  fresh: boolean;
  /** Of the events that the last decider wrote; a program that knows only older ones must not decide. */
  eventVersion: number;
}

/** A standby takes over within 5 s: this, plus its polling. */
export const TERM_TTL_MS = 3_000;
