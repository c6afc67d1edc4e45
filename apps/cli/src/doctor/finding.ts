/** What the doctor says of one thing that Skein needs. */
export interface Finding {
  name: string;
  /** `missing` keeps `skein up` from working; `weak` lets it work with less. */
  state: 'found' | 'weak' | 'missing';
  /** What was found, or why it is not good enough. */
  detail: string;
  /** What to do about it. */
  todo?: string;
}

export function found(name: string, detail: string): Finding {
  return { name, state: 'found', detail };
}

export function weak(name: string, detail: string, todo: string): Finding {
  return { name, state: 'weak', detail, todo };
}

export function missing(name: string, detail: string, todo: string): Finding {
  return { name, state: 'missing', detail, todo };
}
