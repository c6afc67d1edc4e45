/** How a request is wrong; `valid`: not at all. */
export type Kind = 'valid' | 'almost' | 'hostile' | 'wire' | 'pipelined' | 'abandoned';

export interface Ask {
  n: number;
  kind: Kind;
  /** In the order of the answers. */
  requests: { method: string; address: string }[];
  parts: Buffer[];
  /** The plan that a submission would make. */
  planId: string | null;
  /** It is cut off in the middle: an answer may be missing. */
  mayBeSilent: boolean;
  streamMs?: number;
  last: boolean;
}
